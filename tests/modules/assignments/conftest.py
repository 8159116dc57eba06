"""A gateway with assignments, and the stand-in for S3 beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000, request_burst=100_000) as running:
        yield running
