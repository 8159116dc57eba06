"""Stores the facts that rows tell of, as if their events had come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from gateway.contract import Kernel
from modules.analytics.backfill.told_repository import ToldRepository
from modules.analytics.comparison.repository import ComparisonRepository
from modules.analytics.facade import FactType, SourceEvents
from modules.analytics.measures.zone import Step, Zone
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter, Written

BATCH = 5000


class Backfill:
    """Facts that are stored already are the same facts, and are not stored twice.

    Rows may say it otherwise than the event did, such as that late work was in time. What was said first holds.
    """

    def __init__(self, kernel: Kernel, writer: EventWriter, zone: Zone) -> None:
        self._kernel = kernel
        self._writer = writer
        self._zone = zone
        self._rows = ComparisonRepository(kernel.database)
        self._told = ToldRepository(kernel.database)

    async def last_day(self) -> date:
        """The day in which analytics began: before that it heard of nothing."""
        return self._zone.day_of(await self._rows.beginning())

    async def day(self, day: date) -> Written:
        """Store what the rows tell of one day of the zone. Raises ValueError for facts that cannot be, Unavailable."""
        span = self._zone.span_of(day, Step.DAY)
        done = Written(0, 0, 0)
        batch: list[Event] = []
        for source in self._kernel.contributed(SourceEvents):
            async for event, at in source.read(self._kernel.database, span.since, span.until):
                batch += self._facts(event, at)
                if len(batch) >= BATCH:
                    done, batch = await self._write(batch, done), []
        return await self._write(batch, done)

    async def _write(self, batch: list[Event], done: Written) -> Written:
        """Store a batch; what came of it and of those before."""
        new = await self._told.untold(batch)
        written = await self._writer.write(new, Source.FACTS)
        repeated = len(batch) - len(new) + written.repeated
        return Written(done.stored + written.stored, done.repeated + repeated, done.too_old + written.too_old)

    def _facts(self, event: object, at: datetime) -> Iterator[Event]:
        for kind in self._kernel.contributed(FactType):
            if kind.event is type(event):
                for fact in kind.facts(event, at):
                    yield Event.of(fact)
