"""Sweep: deletes notices that were over long ago, with their notifications and deliveries, a batch at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database

# One gateway sweeps a notice at a time.
OLDEST: Final = """
    SELECT id FROM notify_notice WHERE expires_at < $1 ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
DELETE: Final = """
    DELETE FROM notify_notification WHERE id IN (SELECT id FROM notify_notification WHERE notice_id = $1 LIMIT $2)
    RETURNING id
"""
DELETE_NOTICE: Final = "DELETE FROM notify_notice WHERE id = $1"


class Sweep:
    """One worker of a gateway. It raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, kept_days: int, batch: int) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._batch = batch

    async def work(self) -> bool:
        """Delete a batch of the oldest notice; whether there was one."""
        async with self._database.transaction():
            for row in await self._database.fetch(OLDEST, clock.now() - self._kept):
                gone = await self._database.fetch(DELETE, row["id"], self._batch)
                if len(gone) < self._batch:
                    await self._database.fetch(DELETE_NOTICE, row["id"])
                return True
        return False
