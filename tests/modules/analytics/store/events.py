"""Events of a test of its own, and what is added up of them, computed from scratch."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from modules.analytics.facade import Fact, FactType
from modules.analytics.measures.zone import Zone
from modules.analytics.store.event import Event
from modules.analytics.store.names import EventNames

# Of a time in which no other test has events, since days are made anew as a whole.
NOON = datetime(2021, 3, 10, 12, 0, tzinfo=UTC)
ZONE = Zone("Asia/Kolkata")
BUCKET = timedelta(minutes=15)


class Happened(msgspec.Struct, frozen=True):
    """An event of another module; the tests write its facts themselves."""


NAMES = EventNames([
    FactType(
        event=Happened,
        facts=lambda event, at: (),
        names=("test.watched", "test.state", "test.done"),
        registers=("test.state", "test.done"),
        activity=("test.done",),
    )
])  # fmt: skip


@dataclass
class Story:
    """Facts of one program of its own, so that tests in one database do not count each other's."""

    program: str = field(default_factory=lambda: uuid.uuid4().hex)

    def fact(self, name: str = "test.watched", at: datetime = NOON, **others: Any) -> Event:
        if user := others.pop("user", ""):
            others["user_id"] = self.user(user)
        if "key" in others:
            # A key is unique within its name.
            others["key"] = f"{others['key']}-{self.program}"
        return Event.of(Fact(name=name, at=at, program_id=self.program, **others))

    def sent(self, at: datetime = NOON, **others: Any) -> Event:
        """What a client sent; its id would be the client's own."""
        return self.fact("web.seen", at, **others)

    def user(self, name: str) -> str:
        return f"{name}-{self.program}"


@dataclass
class Sums:
    """What is added up, for the rows of one program."""

    rollups: Mapping[tuple[Any, ...], tuple[int, int]]
    registers: Mapping[tuple[Any, ...], tuple[Any, ...]]
    learner_days: set[tuple[date, str]]
    days: Mapping[tuple[Any, ...], tuple[int, int]]


def computed(told: Iterable[Event]) -> Sums:
    """From scratch: of all events that were ever written, each once by its id."""
    events = {event.id: event for event in told}
    rollups: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    registers: dict[tuple[Any, ...], Event] = {}
    days: set[tuple[date, str]] = set()
    for event in sorted(events.values(), key=lambda one: (one.at, one.id)):
        bucket = event.at - (event.at - datetime(1970, 1, 1, tzinfo=UTC)) % BUCKET
        sums = rollups[event.name, bucket, event.session_id, event.label]
        sums[0] += 1
        sums[1] += event.value
        if event.name in NAMES.registers:
            registers[event.name, event.key, event.user_id] = event
        if event.name in NAMES.activity and event.user_id:
            days.add((ZONE.day_of(event.at), event.user_id))
    whole: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for event in (*registers.values(), *(one for one in events.values() if one.name not in NAMES.registers)):
        sums = whole[event.name, ZONE.day_of(event.at), event.label]
        sums[0] += 1
        sums[1] += event.value
    return Sums(
        {key: (count, value) for key, (count, value) in rollups.items()},
        {key: (one.at, one.id, one.session_id, one.label, one.value) for key, one in registers.items()},
        days,
        {key: (count, value) for key, (count, value) in whole.items()},
    )


async def stored(database: asyncpg.Pool[Any], program: str) -> Sums:
    """What the tables say."""
    rollups = await database.fetch("SELECT * FROM analytics_rollup WHERE program_id = $1", program)
    registers = await database.fetch(
        """
        SELECT register.*, coalesce(user_id, '') AS user_id FROM analytics_register AS register
        LEFT JOIN analytics_subject USING (subject) WHERE program_id = $1
        """,
        program,
    )
    days = await database.fetch(
        "SELECT day, user_id FROM analytics_learner_day JOIN analytics_subject USING (subject) WHERE program_id = $1",
        program,
    )
    whole = await database.fetch("SELECT * FROM analytics_day WHERE program_id = $1 AND count <> 0", program)
    return Sums(
        {
            (row["name"], row["bucket"], row["session_id"], row["label"]): (row["count"], row["value"])
            for row in rollups
        },
        {
            (row["name"], row["key"].removesuffix(f":{row['subject']}"), row["user_id"]): (
                row["at"],
                row["id"],
                row["session_id"],
                row["label"],
                row["value"],
            )
            for row in registers
        },
        {(row["day"], row["user_id"]) for row in days},
        {(row["name"], row["day"], row["label"]): (row["count"], row["value"]) for row in whole},
    )
