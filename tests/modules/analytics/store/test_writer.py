"""What is written is there once, and is added up with it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from gateway import clock
from gateway.db.database import PostgresDatabase
from modules.analytics.facade import ClientEventType, FactType, Tracked
from modules.analytics.store.event import Event, Source
from modules.analytics.store.names import EventNames
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.subjects import SubjectRepository
from modules.analytics.store.writer import EventWriter, Written
from tests.modules.analytics.store.events import NAMES, NOON, ZONE, Happened, Story, computed, stored


async def test_an_event_that_comes_again_is_counted_once(writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    """Fault 6: the id decides when it is written, not some time later."""
    story = Story()
    events = [story.fact(user="ann", value=900), story.fact(user="bob", value=100)]
    assert await writer.write(events, Source.FACTS) == Written(stored=2, repeated=0, too_old=0)
    late = story.fact(at=NOON - timedelta(days=40), user="ann", value=5)
    # Within one batch, too.
    assert await writer.write([*events, late, late], Source.FACTS) == Written(stored=1, repeated=3, too_old=0)
    assert await stored(database, story.program) == computed([*events, late])


async def test_writers_at_once_count_nothing_twice(own_postgres: str, database: asyncpg.Pool[Any]) -> None:
    story = Story()
    events = [story.fact(user=f"user{number % 7}", at=NOON + timedelta(minutes=number)) for number in range(60)]
    gateways = [PostgresDatabase(own_postgres, pool=2, timeout=30.0) for _ in range(3)]
    for one in gateways:
        await one.start()
    writers = [EventWriter(one, lambda: NAMES, ZONE) for one in gateways]
    batches = [events[begin : begin + 20] for begin in range(0, 50, 10)]
    done = await asyncio.gather(
        *(writer.write(batch, Source.FACTS) for writer in writers for batch in batches)
    )  # fmt: skip
    for one in gateways:
        await one.stop()
    assert sum(one.stored for one in done) == len(events)
    assert await stored(database, story.program) == computed(events)


async def test_the_latest_of_each_key_and_user_counts(writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    story = Story()
    early = story.fact("test.state", key="s1", label="live")
    late = story.fact("test.state", NOON + timedelta(hours=1), key="s1", label="ended")
    ann, bob = (story.fact("test.done", key="s1", user=user) for user in ("ann", "bob"))
    await writer.write([late, ann], Source.FACTS)
    await writer.write([early, bob], Source.FACTS)
    sums = await stored(database, story.program)
    assert sums == computed((early, late, ann, bob))
    assert sums.registers["test.state", early.key, ""][3] == "ended"
    assert len(sums.registers) == 3


async def test_a_learner_day_is_one_of_the_zone(writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    """Fault 3: half past six in the evening of UTC is midnight in India."""
    story = Story()
    before, after = NOON.replace(hour=18, minute=29), NOON.replace(hour=18, minute=30)
    await writer.write([story.fact("test.done", at, user="ann", key=str(at)) for at in (before, after)], Source.FACTS)
    days = (await stored(database, story.program)).learner_days
    assert sorted(day.day for day, _ in days) == [10, 11]
    buckets = await database.fetch(
        "SELECT bucket FROM analytics_rollup WHERE program_id = $1 ORDER BY 1", story.program
    )
    assert [row["bucket"] for row in buckets] == [before.replace(minute=15), after]


async def test_users_are_stored_as_pseudonyms(
    writer: EventWriter, store: PostgresDatabase, database: asyncpg.Pool[Any]
) -> None:
    story, subjects = Story(), SubjectRepository(store)
    await writer.write([story.fact(user="ann"), story.fact("test.done", user="ann", key="x")], Source.FACTS)
    subject = (await subjects.find([story.user("ann")]))[story.user("ann")]
    rows = await database.fetch("SELECT * FROM analytics_event WHERE program_id = $1", story.program)
    assert {row["subject"] for row in rows} == {subject}
    assert not [value for row in rows for value in row.values() if "ann" in str(value)]
    await database.execute("DELETE FROM analytics_subject WHERE subject = $1", subject)
    # Whoever comes back is somebody else.
    await writer.write([story.fact(user="ann", label="again")], Source.FACTS)
    assert (await subjects.find([story.user("ann")]))[story.user("ann")] != subject


async def test_the_order_of_storing_has_no_lower_number_later(
    writer: EventWriter, store: PostgresDatabase, database: asyncpg.Pool[Any]
) -> None:
    story, progress = Story(), ProgressRepository(store)
    await writer.write([story.fact(at=NOON + timedelta(hours=1))], Source.FACTS)
    middle = (await progress.read()).seq
    await writer.write([story.fact()], Source.FACTS)
    rows = await database.fetch("SELECT seq FROM analytics_event WHERE program_id = $1 ORDER BY at", story.program)
    assert rows[0]["seq"] > middle >= rows[1]["seq"]
    assert (await progress.read()).seq >= rows[0]["seq"]


async def test_progress_goes_forward(writer: EventWriter, store: PostgresDatabase) -> None:
    progress = ProgressRepository(store)
    late = clock.now() + timedelta(days=365)
    await writer.write([], Source.FACTS, late)
    await writer.write([Story().fact()], Source.FACTS, NOON)
    assert (await progress.read()).as_of == late
    assert (await progress.read()).client_as_of < late
    await progress.advance(Source.CLIENTS, late)
    await progress.advance(Source.CLIENTS, NOON)
    await progress.advance(Source.FACTS, late + timedelta(days=1))
    assert (await progress.read()).client_as_of == late
    assert (await progress.read()).as_of == late + timedelta(days=1)


async def test_a_month_has_a_partition_when_it_is_needed(writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    story = Story()
    last = datetime(2019, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    await writer.write([story.fact(at=last), story.fact(at=last + timedelta(milliseconds=1))], Source.FACTS)
    rows = await database.fetch(
        "SELECT tableoid::regclass::text AS part FROM analytics_event WHERE program_id = $1 ORDER BY at", story.program
    )
    assert [row["part"] for row in rows] == ["analytics_event_201912", "analytics_event_202001"]


async def test_client_events_are_marked(writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    story = Story()
    ms = clock.to_ms(NOON)
    event = Event(id=uuid.UUID(int=ms << 80 | 7 << 76 | 2 << 62), at=NOON, name="web.seen", program_id=story.program)
    assert (await writer.write([event], Source.CLIENTS)).stored == 1
    assert await database.fetchval("SELECT client FROM analytics_event WHERE program_id = $1", story.program)


def test_no_client_sends_facts() -> None:
    class Nothing(msgspec.Struct, frozen=True):
        pass

    fact = FactType(event=Happened, facts=lambda event, at: (), names=("test.done",))
    client = ClientEventType(name="test.done", properties=Nothing, tracked=lambda properties: Tracked())
    with pytest.raises(ValueError, match="names of facts"):
        EventNames([fact], [client])
    with pytest.raises(ValueError, match="not among"):
        EventNames([FactType(event=Happened, facts=lambda event, at: (), names=(), registers=("test.lost",))])
