"""The stand-in for S3, as it is told to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest


class S3:
    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = f"{url}/_devcloud/faults"
        self._http = http

    async def fails(self, **operations: dict[str, Any]) -> None:
        faults = {f"s3.{name}": fault for name, fault in operations.items()}
        assert (await self._http.put(self._url, json={"operations": faults})).status_code == 200

    async def works(self) -> None:
        assert (await self._http.delete(self._url)).status_code == 200


@pytest.fixture
async def s3(devcloud: str) -> AsyncIterator[S3]:
    """It works again after the test."""
    async with httpx.AsyncClient(trust_env=False) as http:
        one = S3(devcloud, http)
        yield one
        await one.works()
