"""The rows of raw events: a server-side cursor over them, a day at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.clock import EPOCH
from gateway.contract import Database
from modules.analytics.measures.progress_repository import ProgressRepository
from modules.analytics.measures.window import Window
from modules.analytics.measures.zone import Step
from modules.analytics.store.event import SPREAD
from modules.analytics.store.event_id import least_id

# Rows that are in memory at once.
BATCH: Final = 2000

OPEN: Final = """
    DECLARE analytics_export NO SCROLL CURSOR FOR
    SELECT id, at, name, CASE WHEN $1 THEN subject END AS subject, program_id, session_id, key, label, value, client
    FROM analytics_event
    WHERE at >= $2 AND at < $3 AND id >= $4 AND id < $5
        AND ($6::text[] IS NULL OR name = ANY($6)) AND ($7::text[] IS NULL OR program_id = ANY($7))
    ORDER BY at, id
"""
READ: Final = f"FETCH {BATCH} FROM analytics_export"
CLOSE: Final = "CLOSE analytics_export"


class RawEvent(msgspec.Struct, frozen=True):
    """An event as it is stored. `subject` is a pseudonym, and None for whom it is not shown to."""

    id: UUID
    at: datetime
    name: str
    subject: UUID | None
    program_id: str
    session_id: str
    key: str
    label: str
    value: int
    client: bool


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: of a window, of these names and programs (None: all); with subjects or without."""

    window: Window
    names: Sequence[str] | None
    programs: Sequence[str] | None
    subjects: bool


class EventRepository:
    """Reads in one snapshot that changes nothing."""

    def __init__(self, database: Database, progress: ProgressRepository) -> None:
        self._database = database
        self._progress = progress

    async def batches(self, wanted: Selection) -> AsyncIterator[Sequence[RawEvent]]:
        """The events by their time. Each statement looks at a day at most, and each has the time of one statement.

        Raises BadInput `analytics.too_slow`, and Unavailable. Close it where it is read: it holds a transaction.
        """
        async with self._progress.snapshot():
            chosen = _listed(wanted.names), _listed(wanted.programs)
            for day in wanted.window.spans(Step.DAY):
                # No id is of a time before 1970.
                ids = [least_id(max(at, EPOCH)) for at in (day.since - SPREAD, day.until + SPREAD)]
                await self._database.fetch(OPEN, wanted.subjects, day.since, day.until, *ids, *chosen)
                while rows := await self._database.fetch(READ):
                    yield [msgspec.convert(dict(row), RawEvent) for row in rows]
                await self._database.fetch(CLOSE)


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
