"""Upkeep: makes partitions before they are needed, and drops those whose events are older than they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database
from gateway.tasks import end, repeat
from modules.analytics.store.partitions import Month, PartitionRepository
from modules.analytics.store.progress import ProgressRepository

INTERVAL: Final = 3600.0


class Upkeep:
    """Each gateway does it every hour. Rollups, registers and learner days stay when their events are dropped."""

    def __init__(self, database: Database, kept_days: int) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._partitions = PartitionRepository(database)
        self._progress = ProgressRepository(database)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(repeat("store.upkeep", lambda: self.work(clock.now()), INTERVAL))
        try:
            yield
        finally:
            await end([task])

    async def work(self, now: datetime) -> None:
        """Make this month's partition and the next one's, and drop those that are old.

        Raises Unavailable without PostgreSQL, and when reads of old events do not end soon.
        """
        month = Month.of(now)
        async with self._database.transaction():
            await self._progress.lock()
            await self._partitions.make((month, month.following))
            for one in await self._partitions.months():
                if one.following.begin <= now - self._kept:
                    await self._progress.dropped(one.following.begin)
                    await self._partitions.drop(one)
