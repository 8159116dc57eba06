"""Partitions are there before they are needed, and go when their events are old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable
from ksmp_testkit import MakeGateway, eventually
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import SPREAD, Source
from modules.analytics.store.partitions import Month
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.rebuild import Rebuild
from modules.analytics.store.upkeep import Upkeep
from modules.analytics.store.writer import EventWriter, Written
from tests.modules.analytics.store.events import NAMES, ZONE, Story, computed, stored

PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'analytics_event'::regclass"


async def partitions(database: asyncpg.Pool[Any]) -> set[str]:
    return {row["name"] for row in await database.fetch(PARTITIONS)}


async def test_they_are_made_ahead(store: PostgresDatabase, database: asyncpg.Pool[Any]) -> None:
    await Upkeep(store, 100_000).work(datetime(2023, 12, 31, tzinfo=UTC))
    assert {"analytics_event_202312", "analytics_event_202401"} <= await partitions(database)
    # Once more it changes nothing.
    await Upkeep(store, 100_000).work(datetime(2023, 12, 31, tzinfo=UTC))


async def test_old_ones_are_dropped_and_what_was_added_up_stays(
    store: PostgresDatabase, writer: EventWriter, database: asyncpg.Pool[Any]
) -> None:
    story, upkeep = Story(), Upkeep(store, 30)
    old, kept = datetime(2001, 1, 20, 12, tzinfo=UTC), datetime(2001, 2, 10, 12, tzinfo=UTC)
    facts = [story.fact("test.done", at, key=str(at.month), user="ann") for at in (old, kept)]
    await writer.write(facts, Source.FACTS)
    before = await stored(database, story.program)
    # The last day of January is kept for 30 days more, and its month with it.
    await upkeep.work(datetime(2001, 3, 2, tzinfo=UTC))
    assert "analytics_event_200101" in await partitions(database)
    await upkeep.work(datetime(2001, 3, 4, tzinfo=UTC))
    assert "analytics_event_200101" not in await partitions(database)
    assert "analytics_event_200102" in await partitions(database)
    assert await stored(database, story.program) == before == computed(facts)

    # One that comes again would be counted twice, if it were taken.
    assert await writer.write(facts, Source.FACTS) == Written(stored=0, repeated=1, too_old=1)
    assert await stored(database, story.program) == before
    assert (await ProgressRepository(store).read()).dropped_until == Month((2001, 2)).begin

    # Days whose events are gone in part are not made anew.
    rebuild = Rebuild(store, lambda: NAMES, ZONE)
    found = await rebuild.begin(until=datetime(2001, 3, 1, tzinfo=UTC).date())
    assert found is not None
    assert found.since == ZONE.day_of(Month((2001, 2)).begin + SPREAD) + timedelta(days=1)
    while await rebuild.step() is not None:
        pass
    assert await stored(database, story.program) == before


async def test_a_long_read_is_not_waited_for(
    store: PostgresDatabase, writer: EventWriter, database: asyncpg.Pool[Any]
) -> None:
    story, upkeep = Story(), Upkeep(store, 30)
    at, later = datetime(2001, 5, 20, tzinfo=UTC), datetime(2001, 8, 1, tzinfo=UTC)
    await writer.write([story.fact(at=at)], Source.FACTS)
    async with database.acquire() as connection, connection.transaction():
        await connection.fetch("SELECT FROM analytics_event WHERE program_id = $1", story.program)
        with pytest.raises(Unavailable):
            await upkeep.work(later)
    assert "analytics_event_200105" in await partitions(database)
    await upkeep.work(later)
    assert "analytics_event_200105" not in await partitions(database)


async def test_a_running_gateway_does_it(gateway: MakeGateway, own_postgres: str, database: asyncpg.Pool[Any]) -> None:
    at = datetime(2014, 5, 20, tzinfo=UTC)
    story = Story()

    async def dropped() -> bool:
        return "analytics_event_201405" not in await partitions(database)

    async with gateway(database_url=own_postgres, environ={"KSMP_ANALYTICS_KEPT_DAYS": "10000"}) as running:
        await running.module(AnalyticsModule).writer.write([story.fact(at=at)], Source.FACTS)
    assert not await dropped()
    async with gateway(database_url=own_postgres, environ={"KSMP_ANALYTICS_KEPT_DAYS": "1000"}):
        await eventually(dropped, "the old partition is dropped")
    month = Month.of(clock.now())
    assert {month.partition, month.following.partition} <= await partitions(database)
