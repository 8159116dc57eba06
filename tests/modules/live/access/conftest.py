"""One gateway for the tests of access, on which a seat is kept for two seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        "KSMP_LIVE_SEAT_GRACE": "0",
        "KSMP_LIVE_ATTENDANCE_INTERVAL": "1",
        "KSMP_LIVE_ROOM_KEPT": "60",
        "KSMP_LIVE_LONGEST": "7200",
        "KSMP_LIVE_AHEAD": "86400",
    }
    async with gateway(
        environ=environ, address_burst=100_000, request_burst=100_000, grant_fresh=0.0, presence_grace=0.2
    ) as running:
        yield running
