"""Rebuild: makes rollups, registers and learner days anew from raw events, a day at a time, while events arrive.

A day is one transaction under the lock of writers, with the row that remembers it. So an event is counted either by
its writer after the day was made anew, or by the rebuild. A rebuild that was killed goes on with the next day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from gateway import clock, failpoint
from gateway.contract import Database
from gateway.errors import Conflict
from modules.analytics.measures.zone import Span, Step, Zone
from modules.analytics.store.event import SPREAD
from modules.analytics.store.event_id import time_of
from modules.analytics.store.names import EventNames
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.rebuild_repository import Rebuilding, RebuildRepository

DAY: Final = timedelta(days=1)
# A statement must end within KSMP_DATABASE_TIMEOUT, also on a day with millions of events.
PARTS: Final = 8


class Rebuild:
    """What `ksmp analytics rebuild` does. Several at once share the days. Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, names: Callable[[], EventNames], zone: Zone) -> None:
        self._database = database
        self._names = names
        self._zone = zone
        self._rows = RebuildRepository(database)
        self._progress = ProgressRepository(database)

    async def begin(self, since: date | None = None, until: date | None = None) -> Rebuilding | None:
        """Begin a rebuild of the days from `since` until before `until`, or go on with one that did not finish.

        By default all days whose events are kept; None when there are none. Raises Conflict when a rebuild of other
        days did not finish.
        """
        async with self._database.transaction():
            await self._progress.lock()
            found, asked = await self._rows.open(), await self._days(since, until)
            if found is None and asked is not None:
                await self._rows.begin(self._zone.name, *asked)
            elif found is not None:
                if asked is not None and _differ(found, asked, since, until):
                    raise Conflict(f"the rebuild from {found.since} until before {found.until} must be finished first")
                if found.zone != self._zone.name:
                    await self._rows.begin_anew(self._zone.name)
            return await self._rows.open()

    async def step(self) -> Rebuilding | None:
        """Make the next day anew. Returns the rebuild as it is then, and None when there is nothing left to do."""
        async with self._database.transaction():
            await self._progress.lock()
            found = await self._rows.open()
            if found is None:
                return None
            await self._make(self._zone.span_of(found.next, Step.DAY))
            await self._rows.advance(found.next + DAY)
            left = await self._rows.open()
            failpoint.crash("kill.rebuilt")
        failpoint.crash("kill.rebuilt_committed")
        return left

    async def _make(self, day: Span) -> None:
        names = self._names()
        wrong = await self._rows.drop(day, names)
        await self._rows.add(day, names, PARTS)
        if wrong:
            latest = await self._rows.latest(wrong)
            await self._rows.restore(list(latest), self._zone.days_of(latest.values()), names)
        await self._rows.count_registers(day, names)

    async def _days(self, since: date | None, until: date | None) -> tuple[date, date] | None:
        """The days to do: those asked for of which events are kept."""
        bounds = await self._rows.bounds()
        if bounds is None:
            return None
        dropped = (await self._progress.read()).dropped_until
        first = self._zone.day_of(time_of(bounds[0]) - SPREAD)
        if dropped > clock.EPOCH:
            # Some of the events of the days before were in partitions that are gone.
            first = max(first, self._zone.day_of(dropped + SPREAD) + DAY)
        after = self._zone.day_of(time_of(bounds[1]) + SPREAD) + DAY
        days = max(since or first, first), min(until or after, after)
        return days if days[0] < days[1] else None


def _differ(found: Rebuilding, asked: tuple[date, date], since: date | None, until: date | None) -> bool:
    """Whether days were named that are not those of the rebuild that is under way."""
    return (since is not None and asked[0] != found.since) or (until is not None and asked[1] != found.until)
