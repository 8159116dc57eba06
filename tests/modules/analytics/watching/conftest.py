"""Gateways that look at classes several times a second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running

ENVIRON = {
    "KSMP_ANALYTICS_WATCH_INTERVAL": "0.2",
    "KSMP_ANALYTICS_WATCH_GRACE": "0.4",
    "KSMP_ANALYTICS_WATCH_RATE_COUNT": "4",
    "KSMP_ANALYTICS_WATCH_RATE_SECONDS": "60",
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.3",
}


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ=ENVIRON) as running:
        yield running


@pytest.fixture(scope="package")
async def second(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    """Another gateway beside it."""
    async with gateway(environ=ENVIRON) as running:
        yield running
