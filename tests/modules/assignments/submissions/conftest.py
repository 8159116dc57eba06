"""A gateway whose files are in the stand-in for S3, which can be told to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.files.conftest import CREDENTIALS


@pytest.fixture(scope="module", autouse=True)
def credentials() -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {"KSMP_FILES_S3_TIMEOUT": "0.5", "KSMP_FILES_S3_PAUSE": "0.2", "KSMP_FILES_BEGIN_RATE_COUNT": "1000"}
    async with gateway(aws_endpoint=devcloud, environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


class S3:
    """The stand-in, as it is told to fail."""

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
    async with httpx.AsyncClient(trust_env=False) as http:
        one = S3(devcloud, http)
        yield one
        await one.works()
