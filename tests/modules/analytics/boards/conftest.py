"""A gateway with low limits, and a school with a class that was yesterday."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from tests.modules.analytics.boards.school import School, opened

LIMITS = {
    # Longer than a test: what is shown to one reader is not shown to the next.
    "KSMP_ANALYTICS_FRESH": "30",
    "KSMP_ANALYTICS_BOARDS_EACH": "3",
    "KSMP_ANALYTICS_BOARD_WIDGETS": "4",
    "KSMP_ANALYTICS_QUERY_RATE_COUNT": "100000",
    "KSMP_ANALYTICS_QUERY_RATE_SECONDS": "60",
    "KSMP_ANALYTICS_EXPORTS_AT_ONCE": "1",
    "KSMP_ANALYTICS_EXPORT_ROWS": "2000",
    "KSMP_ANALYTICS_EXPORT_DAYS": "40",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000, request_burst=100_000, environ=LIMITS) as running:
        yield running


@pytest.fixture
async def school(node: Running, caller: Caller) -> School:
    one = await opened(node, caller)
    await one.tell(
        *(one.attended("ann", "present", one.p, 3000), one.attended("cem", "absent", one.p)),
        *(one.attended("bob", "present", one.q, 1200), one.attended("ann", "late", one.q, 600)),
    )
    return one
