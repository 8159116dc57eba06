"""A gateway whose files are in the stand-in for S3, which can be told to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.files.bucket import s3
from tests.modules.files.conftest import credentials

__all__ = ["credentials", "s3"]


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {"KSMP_FILES_S3_TIMEOUT": "0.5", "KSMP_FILES_S3_PAUSE": "0.2", "KSMP_FILES_BEGIN_RATE_COUNT": "1000"}
    async with gateway(aws_endpoint=devcloud, environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running
