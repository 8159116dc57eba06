"""A gateway with the lab, whose analytics waits for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.analytics.lab import Lab

ENVIRON = {
    "KSMP_ANALYTICS_STORE_WAIT": "0.05",
    "KSMP_ANALYTICS_STORE_BATCH": "20",
    "KSMP_ANALYTICS_AS_OF_INTERVAL": "0.1",
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.3",
}


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    settings = {"event_attempts": 2, "event_backoff": 0.1}
    async with gateway(more=(Lab,), environ=ENVIRON, **settings) as running:
        yield running
