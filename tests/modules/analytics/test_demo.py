"""What `ksmp dev` shows: plausible figures, stored once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from devstack.people import people
from gateway import clock
from gateway.principal import Role
from ksmp_testkit import MakeGateway, Running
from modules.analytics.demo import FREE, PAID, Demo
from modules.analytics.measures.measure import Query
from modules.analytics.measures.scope import Scope
from modules.analytics.module import AnalyticsModule
from tests.own_database import own_database

COUNT = "SELECT count(*) FROM analytics_event WHERE program_id IN ('demo', 'demo-paid')"


@pytest.fixture(scope="module")
async def own_postgres(postgres: str) -> AsyncIterator[str]:
    """Others count all that is there."""
    async with own_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, own_postgres: str) -> AsyncIterator[Running]:
    async with gateway(database_url=own_postgres, environ={"KSMP_ANALYTICS_DEMO": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
async def database(own_postgres: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    async with asyncpg.create_pool(own_postgres, min_size=0, max_size=2) as pool:
        yield pool


async def test_it_is_stored_once_and_shows_something(node: Running, database: asyncpg.Pool) -> None:
    module = node.module(AnalyticsModule)
    await module.seed(people())
    stored = await database.fetchval(COUNT)
    assert stored > 5_000
    await module.seed(people())
    assert await database.fetchval(COUNT) == stored

    feature = module.measures
    scope = Scope(role=Role.ADMIN, programs=(FREE, PAID))
    query = Query(scope=scope, window=feature.windows.last(28, clock.now()))
    for name, least, most in (("attendance", 0.6, 0.95), ("stars", 4.0, 5.0), ("payment_success", 0.8, 0.99)):
        figure = (await feature.measures.read(name, query)).total[0]
        assert figure.value is not None
        assert least < figure.value < most, name


async def test_it_is_left_out_where_the_settings_say_so(gateway: MakeGateway, database: asyncpg.Pool) -> None:
    before = await database.fetchval(COUNT)
    async with gateway(environ={"KSMP_ANALYTICS_DEMO": "false"}) as running:
        await running.module(AnalyticsModule).seed(people())
        assert await database.fetchval(COUNT) == before


def test_it_names_no_class_twice_and_is_the_same_for_the_same_day() -> None:
    today, zone = date(2026, 12, 1), ZoneInfo("Asia/Kolkata")
    facts = list(Demo(today, zone, "sam").facts())
    assert facts == list(Demo(today, zone, "sam").facts())
    ended = [fact.key for fact in facts if fact.name == "live.session" and fact.label == "ended"]
    assert len(ended) == len(set(ended)) > 30
