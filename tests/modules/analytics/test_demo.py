"""What `ksmp dev` shows: plausible figures, stored once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from devstack.people import people
from gateway import clock
from gateway.principal import Role
from ksmp_testkit import MakeGateway, Running
from modules.analytics.measures.measure import Query
from modules.analytics.measures.scope import Scope
from modules.analytics.module import AnalyticsModule


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway() as running:
        yield running


async def test_the_demo_is_stored_once_and_shows_something(node: Running, database: asyncpg.Pool) -> None:
    module = node.module(AnalyticsModule)
    counts = "SELECT count(*) FROM analytics_event WHERE program_id IN ('demo', 'demo-paid')"
    await module.seed(people())
    stored = await database.fetchval(counts)
    assert stored > 5_000
    await module.seed(people())
    assert await database.fetchval(counts) == stored

    feature = module.measures
    window = feature.windows.last(28, clock.now() + timedelta(0))
    query = Query(scope=Scope(role=Role.ADMIN, programs=("demo", "demo-paid")), window=window)
    attendance = (await feature.measures.read("attendance", query)).total[0]
    assert attendance.value is not None
    assert 0.6 < attendance.value < 0.95
