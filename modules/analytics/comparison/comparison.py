"""Compares the facts of days that are over with the rows of the modules.

Facts follow rows by some seconds, and rows of a day that is over may still change: stars come late. So a day is
compared in two steps. First its rows are counted. Once all events that were published before that are stored, its facts
are counted, and its rows again. When both counts of the rows are the same, the facts must be too; otherwise the day
waits for another try.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.tasks import end, repeat
from modules.analytics.comparison import metrics
from modules.analytics.comparison.compared import Compared, compared
from modules.analytics.comparison.repository import ComparisonRepository, Rows, TakenDay
from modules.analytics.facade import SourceCount
from modules.analytics.measures.zone import Span, Step, Zone, next_day
from modules.analytics.settings import ComparisonSettings
from modules.analytics.store.progress import ProgressRepository

# Seconds between two tries to finish a comparison that somebody waits for.
PAUSE: Final = 0.5

log = structlog.get_logger(__name__)


class Comparison:
    """Each gateway has this worker; one at a time looks at a day."""

    def __init__(self, kernel: Kernel, settings: ComparisonSettings, zone: Zone) -> None:
        self._kernel = kernel
        self._settings = settings
        self._zone = zone
        self._rows = ComparisonRepository(kernel.database)
        self._progress = ProgressRepository(kernel.database)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        work = repeat("comparison", lambda: self.look(clock.now()), self._settings.comparison_interval)
        task = asyncio.get_running_loop().create_task(work)
        try:
            yield
        finally:
            await end([task])

    async def look(self, now: datetime) -> None:
        """Do the next step of each day that is due, once a day for each; raises Unavailable."""
        due = now - timedelta(seconds=self._settings.comparison_delay)
        today = self._zone.span_of(self._zone.day_of(due), Step.DAY)
        days = await self._days(today.day)
        await self._rows.add_days(days)
        for day in days:
            async with self._kernel.database.transaction():
                taken = await self._rows.take_due(day, today.since)
                if taken is not None:
                    await self._go_on(taken)
        await self._rows.drop(today.day - timedelta(days=self._settings.comparison_kept_days))
        metrics.differences.set(await self._rows.differing(days))
        if (last := await self._rows.last()) is not None:
            metrics.compared_until.set(self._span(last).until.timestamp())

    async def compare(self, day: date) -> list[Compared] | None:
        """Take the next step of a day that was added, due or not; what it came to, or None when it waits."""
        async with self._kernel.database.transaction():
            return await self._go_on(await self._rows.take_day(day))

    async def settled(self, day: date, patience: float) -> list[Compared] | None:
        """What the comparison of a day comes to, beginning now; None when facts do not come that far in time."""
        until = time.monotonic() + patience
        await self._rows.add_days([day])
        await self._rows.forget_rows(day)
        while (found := await self.compare(day)) is None and time.monotonic() < until:
            await asyncio.sleep(PAUSE)
        return found

    def days(self, since: date, until: date) -> list[date]:
        """The days from the first to the last."""
        found = [since]
        while found[-1] < until:
            found.append(next_day(found[-1], Step.DAY))
        return found

    async def _days(self, today: date) -> list[date]:
        """The last days that are over, without those of which analytics did not hear from the beginning."""
        first = next_day(self._zone.day_of(await self._rows.beginning()), Step.DAY)
        days = [today - timedelta(days=back) for back in range(1, self._settings.comparison_days + 1)]
        return [day for day in days if day >= first]

    async def _go_on(self, taken: TakenDay) -> list[Compared] | None:
        """The next step of a day; what it came to when that was the last one."""
        span, now = self._span(taken.day), await self._rows.now()
        if taken.rows is None or taken.rows_at is None:
            await self._rows.keep_rows(taken.day, await self._count(span), now)
            return None
        if (await self._progress.read()).as_of < taken.rows_at:
            return None
        sources = self._kernel.contributed(SourceCount)
        facts = {one.name: await self._rows.facts(one.name, span.since, span.until) for one in sources}
        rows = await self._count(span)
        if rows != taken.rows:
            await self._rows.keep_rows(taken.day, rows, now)
            return None
        found = [one for source in sources for one in compared(source, facts[source.name], rows[source.name])]
        await self._rows.finish(taken.day, found, now)
        for one in found:
            if not one.agrees:
                self._warn(taken.day, one)
        return found

    async def _count(self, span: Span) -> Rows:
        database = self._kernel.database
        sources = self._kernel.contributed(SourceCount)
        return {one.name: dict(await one.count(database, span.since, span.until)) for one in sources}

    def _span(self, day: date) -> Span:
        return self._zone.span_of(day, Step.DAY)

    def _warn(self, day: date, one: Compared) -> None:
        log.error(
            "analytics.differs",
            day=day.isoformat(),
            name=one.name,
            label=one.label,
            facts=(one.facts.count, one.facts.value),
            rows=(one.rows.count, one.rows.value),
        )
