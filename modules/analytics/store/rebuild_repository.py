"""The statements of rebuilds: how far one has come, and what makes a day anew from raw events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from modules.analytics.measures.zone import Span
from modules.analytics.store.event import SPREAD
from modules.analytics.store.event_id import least_id
from modules.analytics.store.names import EventNames
from modules.analytics.store.sums import REGISTERS, SUMS, columns, parameters

OPEN: Final = "SELECT zone, since, until, next FROM analytics_rebuild WHERE finished_at IS NULL FOR UPDATE"
BEGIN: Final = "INSERT INTO analytics_rebuild (zone, since, until, next) VALUES ($1, $2, $3, $2)"
# Days of another zone are other times, so nothing is done yet.
BEGIN_ANEW: Final = "UPDATE analytics_rebuild SET zone = $1, next = since WHERE finished_at IS NULL"
ADVANCE: Final = """
    UPDATE analytics_rebuild SET next = $1, finished_at = CASE WHEN $1 >= until THEN now() END
    WHERE finished_at IS NULL
"""
BOUNDS: Final = """
    SELECT (SELECT id FROM analytics_event ORDER BY id LIMIT 1) AS first,
        (SELECT id FROM analytics_event ORDER BY id DESC LIMIT 1) AS last
"""

DROP_ROLLUPS: Final = "DELETE FROM analytics_rollup WHERE bucket >= $1 AND bucket < $2"
DROP_LEARNER_DAYS: Final = "DELETE FROM analytics_learner_day WHERE day = $1"
DROP_DAY: Final = "DELETE FROM analytics_day WHERE day = $1"
# What counts of registers is what they are, whatever was counted while they changed.
DROP_REGISTERED_DAY: Final = "DELETE FROM analytics_day WHERE day = $1 AND name = ANY($2::text[])"
DATE_REGISTERS: Final = "UPDATE analytics_register SET day = $1 WHERE at >= $2 AND at < $3 AND day <> $1"
ADD_REGISTERED_DAY: Final = """
    INSERT INTO analytics_day (name, day, program_id, label, count, value)
    SELECT name, $1, program_id, label, count(*), sum(value)::bigint FROM analytics_register
    WHERE at >= $2 AND at < $3 GROUP BY name, program_id, label
"""
# Registers of the day that no event says: one was lost, or it was written by hand.
DROP_REGISTERS: Final = """
    DELETE FROM analytics_register AS register WHERE at >= $1 AND at < $2 AND NOT (
        name = ANY($5::text[]) AND EXISTS (
            SELECT FROM analytics_event AS event
            WHERE event.id = register.id AND event.id >= $3 AND event.id < $4
                AND (event.name, event.at, event.program_id, event.session_id, event.label, event.value)
                    = (register.name, register.at, register.program_id, register.session_id, register.label,
                        register.value)
                AND event.subject IS NOT DISTINCT FROM register.subject
                AND analytics_register_key(event.key, event.subject) = register.key
        )
    ) RETURNING name, key
"""
# The latest that is said of their keys at any time. `$1` and `$2` are the keys.
LATEST: Final = """
    SELECT DISTINCT ON (lost.name, lost.key) event.id, event.at FROM analytics_event AS event
    JOIN unnest($1::text[], $2::text[]) AS lost (name, key)
        ON event.name = lost.name AND analytics_register_key(event.key, event.subject) = lost.key
    ORDER BY lost.name, lost.key, event.at DESC, event.id DESC
"""
RESTORE: Final = """
    WITH events AS (SELECT * FROM analytics_event WHERE id = ANY($5::uuid[])), <registers>
    SELECT count(*) FROM events
""".replace("<registers>", REGISTERS)
ADD: Final = """
    WITH events AS NOT MATERIALIZED (
        SELECT * FROM analytics_event WHERE at >= $6 AND at < $7 AND id >= $8 AND id < $9
    ), <sums>
    SELECT count(*) AS events FROM events
""".replace("<sums>", SUMS)


class Rebuilding(msgspec.Struct, frozen=True):
    """A rebuild that is under way: its days from `since` until before `next` are done. `until` is not included."""

    zone: str
    since: date
    until: date
    next: date


class RebuildRepository:
    """Raises Unavailable without PostgreSQL. It is called under the lock of writers, in a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> Rebuilding | None:
        """The rebuild that is under way; it is held for this transaction."""
        rows = await self._database.fetch(OPEN)
        return Rebuilding(rows[0]["zone"], rows[0]["since"], rows[0]["until"], rows[0]["next"]) if rows else None

    async def begin(self, zone: str, since: date, until: date) -> None:
        await self._database.fetch(BEGIN, zone, since, until)

    async def begin_anew(self, zone: str) -> None:
        await self._database.fetch(BEGIN_ANEW, zone)

    async def advance(self, next: date) -> None:
        """The days before `next` are done; the rebuild is over when these were all."""
        await self._database.fetch(ADVANCE, next)

    async def bounds(self) -> tuple[UUID, UUID] | None:
        """The least and the greatest id that is stored; None when there are no events."""
        row = (await self._database.fetch(BOUNDS))[0]
        return None if row["first"] is None else (row["first"], row["last"])

    async def drop(self, day: Span, names: EventNames) -> list[tuple[str, str]]:
        """Delete what is added up for a day. Returns name and key of the registers that were wrong."""
        await self._database.fetch(DROP_ROLLUPS, day.since, day.until)
        await self._database.fetch(DROP_LEARNER_DAYS, day.day)
        await self._database.fetch(DROP_DAY, day.day)
        rows = await self._database.fetch(DROP_REGISTERS, *_ranges(day), sorted(names.registers))
        return [(row["name"], row["key"]) for row in rows]

    async def add(self, day: Span, names: EventNames, parts: int) -> None:
        """Add up a day's events, in so many statements: each of them must end within the time-out."""
        step = (day.until - day.since) / parts
        for number in range(parts):
            part = Span(day.day, day.since + number * step, day.since + (number + 1) * step)
            await self._database.fetch(ADD, *parameters(names, [day]), *_ranges(part))

    async def latest(self, lost: list[tuple[str, str]]) -> dict[UUID, datetime]:
        """The latest events of these registers, by their ids, with their times. It reads all events."""
        rows = await self._database.fetch(LATEST, [one[0] for one in lost], [one[1] for one in lost])
        return {row["id"]: row["at"] for row in rows}

    async def restore(self, ids: list[UUID], days: list[Span], names: EventNames) -> None:
        """Set registers to what these events of these days say."""
        await self._database.fetch(RESTORE, sorted(names.registers), *columns(days), ids)

    async def count_registers(self, day: Span, names: EventNames) -> None:
        """Count the registers of a day anew."""
        await self._database.fetch(DROP_REGISTERED_DAY, day.day, sorted(names.registers))
        await self._database.fetch(DATE_REGISTERS, day.day, day.since, day.until)
        await self._database.fetch(ADD_REGISTERED_DAY, day.day, day.since, day.until)


def _ranges(span: Span) -> tuple[datetime, datetime, UUID, UUID]:
    return span.since, span.until, least_id(span.since - SPREAD), least_id(span.until + SPREAD)
