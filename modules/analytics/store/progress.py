"""Progress: how far storing has come, and the lock that one writer at a time holds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.store.event import Source

# Writers, rebuilds, removals and the upkeep of partitions take turns, in the whole cluster.
LOCK: Final = 0x6B736D70_616E6C79
TAKE_LOCK: Final = "SELECT pg_advisory_xact_lock($1)"
READ: Final = "SELECT seq, as_of, client_as_of, dropped_until FROM analytics_progress"
ADVANCE: Final = """
    UPDATE analytics_progress SET as_of = greatest(as_of, $1), client_as_of = greatest(client_as_of, $2)
    WHERE as_of < $1 OR client_as_of < $2
"""
STORED: Final = """
    UPDATE analytics_progress SET seq = $1, as_of = greatest(as_of, $2), client_as_of = greatest(client_as_of, $3)
"""
DROPPED: Final = "UPDATE analytics_progress SET dropped_until = greatest(dropped_until, $1)"


class Progress(msgspec.Struct, frozen=True):
    """`seq` of the last event that is stored.

    All facts that were published before `as_of` are stored, and all client events that arrived before `client_as_of`.
    Events of before `dropped_until` are no longer kept; their rollups are.
    """

    seq: int
    as_of: datetime
    client_as_of: datetime
    dropped_until: datetime


class ProgressRepository:
    """The one row of progress. Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self) -> None:
        """Wait for the turn, and keep it until this task's transaction ends."""
        await self._database.fetch(TAKE_LOCK, LOCK)

    async def read(self) -> Progress:
        row = (await self._database.fetch(READ))[0]
        return Progress(row["seq"], row["as_of"], row["client_as_of"], row["dropped_until"])

    async def advance(self, source: Source, as_of: datetime) -> None:
        """All events of this source that were published before `as_of` are stored. It never goes back."""
        await self._database.fetch(ADVANCE, *_columns(source, as_of))

    async def stored(self, seq: int, source: Source, as_of: datetime | None) -> None:
        """Events up to `seq` are stored; to be called under the lock, in the transaction that stores them."""
        await self._database.fetch(STORED, seq, *_columns(source, as_of))

    async def dropped(self, until: datetime) -> None:
        """Partitions before this time are gone; to be called under the lock."""
        await self._database.fetch(DROPPED, until)


def _columns(source: Source, as_of: datetime | None) -> tuple[datetime | None, datetime | None]:
    return (as_of, None) if source is Source.FACTS else (None, as_of)
