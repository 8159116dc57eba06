"""Stores a history through the writer, and says how fast that was, how late figures are, and how much room it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Database
from loadtests.analytics.history import History
from modules.analytics.store.event import Source
from modules.analytics.store.writer import EventWriter

# What is written while the lag is measured.
A_SECOND: Final = 10_000
PORTIONS: Final = 10
# Sizes in bytes: of the rows themselves, and of each index, by what it is for.
TABLE: Final = """
    SELECT sum(pg_table_size(inhrelid))::bigint AS bytes FROM pg_inherits WHERE inhparent = 'analytics_event'::regclass
"""
INDEXES: Final = """
    SELECT am.amname || ' (' || string_agg(DISTINCT pg_get_indexdef(indexrelid, 1, false), ', ') || ')' AS what,
        sum(pg_relation_size(indexrelid))::bigint AS bytes
    FROM pg_inherits JOIN pg_index ON indrelid = inhrelid JOIN pg_class AS class ON class.oid = indexrelid
    JOIN pg_am AS am ON am.oid = relam
    WHERE inhparent = 'analytics_event'::regclass GROUP BY am.amname, indkey::text ORDER BY bytes DESC
"""
OTHERS: Final = """
    SELECT name AS what, pg_total_relation_size(name::regclass)::bigint AS bytes FROM unnest(ARRAY[
        'analytics_rollup', 'analytics_day', 'analytics_register', 'analytics_learner_day', 'analytics_subject'
    ]) AS name
"""
COUNTS: Final = """
    SELECT (SELECT count(*) FROM analytics_event) AS events, (SELECT count(*) FROM analytics_rollup) AS rollups,
        (SELECT count(*) FROM analytics_day) AS days,
        (SELECT count(*) FROM analytics_register) AS registers,
        (SELECT count(*) FROM analytics_learner_day) AS learner_days
"""
# As autovacuum would have done by then; statements that read indexes alone need it.
SETTLE: Final = tuple(
    f"VACUUM (ANALYZE) analytics_{name}" for name in ("event", "rollup", "day", "register", "learner_day")
)


class Ingested(msgspec.Struct, frozen=True):
    """Seconds in all, seconds within the writer, seconds of CPU of this process within it, and the events."""

    events: int
    seconds: float
    writing: float
    batch_p95: float


class Room(msgspec.Struct, frozen=True):
    """Rows by table, and bytes by table and index."""

    rows: dict[str, int]
    bytes: dict[str, int]


async def ingest(writer: EventWriter, history: History) -> Ingested:
    """Store all of it, a batch after the other."""
    events, took = 0, list[float]()
    begun = time.monotonic()
    for source, batch in history.batches():
        at = time.monotonic()
        await writer.write(batch, source, clock.now())
        took.append(time.monotonic() - at)
        events += len(batch)
    return Ingested(events, time.monotonic() - begun, sum(took), percentile(took, 0.95))


async def lags(writer: EventWriter, history: History, seconds: int) -> list[float]:
    """How long each of the batches took that come at `A_SECOND`, from when it was due until figures have it."""
    loop, late = asyncio.get_running_loop(), list[float]()
    begun = loop.time()
    for number in range(seconds * PORTIONS):
        batch = history.classes(A_SECOND // PORTIONS, clock.now())
        due = begun + (number + 1) / PORTIONS
        await asyncio.sleep(max(0.0, due - loop.time()))
        await writer.write(batch, Source.FACTS, clock.now())
        late.append(loop.time() - due)
    return late


async def room(database: Database) -> Room:
    """What is stored, and how much room it takes. It brings the statistics of the planner up to date before."""
    rows = dict((await database.fetch(COUNTS))[0])
    found = {"analytics_event": int((await database.fetch(TABLE))[0]["bytes"] or 0)}
    for statement in (INDEXES, OTHERS):
        found |= {row["what"]: row["bytes"] for row in await database.fetch(statement)}
    return Room(rows, found)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
