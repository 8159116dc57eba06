"""What a user's client sent can be taken back, and then it is as if it had never been sent."""

from __future__ import annotations

from typing import Any

import asyncpg

from gateway.db.database import PostgresDatabase
from modules.analytics.store.event import Source
from modules.analytics.store.removal import ClientEventRemoval
from modules.analytics.store.subjects import SubjectRepository
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import ZONE, Story, computed, stored


async def test_client_events_of_one_user_are_gone(
    writer: EventWriter, store: PostgresDatabase, database: asyncpg.Pool[Any]
) -> None:
    story = Story()
    facts = [story.fact("test.done", user="ann", key="x"), story.fact(user="ann", value=3)]
    of_ann = [story.sent(user="ann", label="both", value=10, key=str(number)) for number in range(4)]
    alone = story.sent(user="ann", label="alone", value=10)
    of_bob, nobodys = story.sent(user="bob", label="both", value=7), story.sent(label="both", value=1)
    await writer.write(facts, Source.FACTS)
    await writer.write([*of_ann, alone, of_bob, nobodys], Source.CLIENTS)
    removal = ClientEventRemoval(store, ZONE)
    subject = (await SubjectRepository(store).find([story.user("ann")]))[story.user("ann")]
    assert [await removal.remove(subject, 3) for _ in range(3)] == [3, 2, 0]
    left = [*facts, of_bob, nobodys]
    assert await stored(database, story.program) == computed(left)
    rows = await database.fetch("SELECT id FROM analytics_event WHERE program_id = $1", story.program)
    assert {row["id"] for row in rows} == {one.id for one in left}
