"""Deletes what the clients of somebody sent, with its part of the rollups.

A client event that arrived before the withdrawal may still wait to be stored, with a consent that was read before. So a
deletion is done when all that arrived before it is stored, and nothing of the subject is left.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database
from modules.analytics.deletions.repository import DeletionRepository
from modules.analytics.deletions.states import EVENTS
from modules.analytics.measures.zone import Zone
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.removal import ClientEventRemoval

# Events of one transaction, which holds up the writers.
MOST: Final = 1000
# Seconds between two looks at one deletion that waits for what arrived before it.
WAIT: Final = 5.0
# By how much the clocks of NATS and of the gateways may differ.
SKEW: Final = timedelta(seconds=10)


class EventDeletions:
    """`work` does a part of what is due, and says whether there may be more. Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, zone: Zone) -> None:
        self._database = database
        self._rows = DeletionRepository(database)
        self._removal = ClientEventRemoval(database, zone)
        self._progress = ProgressRepository(database)

    async def work(self) -> bool:
        async with self._database.transaction():
            now = clock.now()
            one = await self._rows.take(EVENTS, now)
            if one is None:
                return False
            # Read before the removal: what is stored later is later.
            progress = await self._progress.read()
            if await self._removal.remove(one.pseudonym, MOST) == MOST:
                return True
            if progress.client_as_of > one.created_at + SKEW:
                await self._rows.done([one.id], now)
            else:
                await self._rows.wait([one.id], now + timedelta(seconds=WAIT))
            return True

    async def work_all(self) -> None:
        """Do all that is due."""
        while await self.work():
            pass
