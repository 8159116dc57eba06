"""A gateway that takes client events of the lab."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.analytics.lab import Lab

ENVIRON = {
    "KSMP_ANALYTICS_STORE_WAIT": "0.05",
    "KSMP_ANALYTICS_AS_OF_INTERVAL": "0.1",
    "KSMP_ANALYTICS_BOT_WORDS": "bot,labscanner",
    "KSMP_ANALYTICS_GATHER_SECONDS": "0.1",
    "KSMP_ANALYTICS_EVENTS_AT_ONCE": "60",
    "KSMP_ANALYTICS_EVENTS_PER_MINUTE": "100",
    "KSMP_ANALYTICS_TRACK_RATE_COUNT": "5",
    "KSMP_ANALYTICS_TRACK_RATE_SECONDS": "60",
}


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(more=(Lab,), environ=ENVIRON) as running:
        yield running


@pytest.fixture
def user() -> str:
    return f"u{uuid.uuid4().hex[:12]}"


@pytest.fixture
def program() -> str:
    return f"p{uuid.uuid4().hex[:12]}"
