"""Whatever is written in whatever order, again, late, at once, taken back and made anew: it equals from scratch."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.db.database import PostgresDatabase
from modules.analytics.store.event import Event, Source
from modules.analytics.store.rebuild import Rebuild
from modules.analytics.store.removal import ClientEventRemoval
from modules.analytics.store.subjects import SubjectRepository
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NAMES, NOON, ZONE, Story, computed, stored

# Times that share buckets and days, and some at their borders in India and in UTC.
AFTER_NOON = st.one_of(
    st.integers(-2500, 2500).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from([timedelta(hours=6.5), timedelta(hours=6.5, milliseconds=-1), timedelta(), timedelta(hours=12)]),
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["test.watched", "test.state", "test.done", "web.seen"]),
            "at": AFTER_NOON.map(lambda after: NOON + after),
            "user": st.sampled_from(["", "ann", "bob"]),
            "key": st.sampled_from(["k1", "k2"]),
            "label": st.sampled_from(["a", "b"]),
            "session_id": st.sampled_from(["", "s1"]),
            "value": st.integers(-5, 50),
        }
    ),
    min_size=1,
    max_size=25,
)
# Positions among the events, modulo how many there are.
BATCH = st.lists(st.integers(0, 24), min_size=1, max_size=10)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(BATCH, min_size=1, max_size=3)),
        st.tuples(st.just("write beside a rebuild"), st.lists(BATCH, min_size=1, max_size=3)),
        st.tuples(st.just("take back"), st.sampled_from(["ann", "bob"])),
    ),
    min_size=1,
    max_size=8,
)


class Store:
    """A store of several gateways, with all that it was told."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.story = Story()
        self.told: dict[Any, Event] = {}
        self._gone: set[str] = set()
        self._writers = [EventWriter(database, lambda: NAMES, ZONE) for _ in range(3)]
        self._subjects = SubjectRepository(database)
        self._removal = ClientEventRemoval(database, ZONE)
        self._rebuild = Rebuild(database, lambda: NAMES, ZONE)

    async def write(self, batches: list[list[Event]]) -> None:
        """Each batch by another gateway, at once."""
        calls = []
        for writer, batch in zip(self._writers, batches, strict=False):
            for source in Source:
                # Clients of whoever took it back are not heard any more.
                part = [one for one in batch if is_of(one, source) and (source, one.user_id) not in self._silent]
                self.told |= {one.id: one for one in part if one.id not in self.told}
                calls.append(writer.write(part, source))
        await asyncio.gather(*calls)

    @property
    def _silent(self) -> set[tuple[Source, str]]:
        return {(Source.CLIENTS, user) for user in self._gone}

    async def take_back(self, name: str) -> None:
        user = self.story.user(name)
        self._gone.add(user)
        for subject in (await self._subjects.find([user])).values():
            while await self._removal.remove(subject, 2) == 2:
                pass
        self.told = {
            id: one for id, one in self.told.items() if not (is_of(one, Source.CLIENTS) and one.user_id == user)
        }

    async def rebuild(self) -> None:
        await self._rebuild.begin(NOON.date() - timedelta(days=2), NOON.date() + timedelta(days=3))
        while await self._rebuild.step() is not None:
            pass


def is_of(event: Event, source: Source) -> bool:
    return (event.name == "web.seen") == (source is Source.CLIENTS)


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS, steps=STEPS)
async def test_it_equals_from_scratch(
    store: PostgresDatabase, database: asyncpg.Pool[Any], events: list[dict[str, Any]], steps: list[tuple[str, Any]]
) -> None:
    at = Store(store)
    made = [at.story.fact(**one) for one in events]
    for do, what in steps:
        if do == "take back":
            await at.take_back(what)
            continue
        batches = [[made[number % len(made)] for number in batch] for batch in what]
        if do == "write":
            await at.write(batches)
        else:
            await asyncio.gather(at.write(batches), at.rebuild())
        assert await stored(database, at.story.program) == computed(at.told.values())
    assert await stored(database, at.story.program) == computed(at.told.values())
