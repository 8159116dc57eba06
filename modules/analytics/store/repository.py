"""The statements that write a batch of events, with what the new ones add to rollups, registers and learner days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from gateway.contract import Database
from modules.analytics.store.sums import SUMS, Parameters

STAGED: Final = ("id", "seq", "at", "name", "subject", "program_id", "session_id", "key", "label", "value", "client")
StagedRow: TypeAlias = tuple[UUID, int, datetime, str, UUID | None, str, str, str, str, int, bool]

# One for each connection: making it anew for every batch would bloat the catalogue of PostgreSQL.
STAGE: Final = """
    CREATE TEMPORARY TABLE IF NOT EXISTS analytics_staged (LIKE analytics_event) ON COMMIT DELETE ROWS
"""
# In the order of ids, so that events of one time lie together. Only events that were not there come out of it.
STORE: Final = """
    WITH events AS (
        INSERT INTO analytics_event (<columns>) SELECT <columns> FROM analytics_staged ORDER BY id
        ON CONFLICT DO NOTHING RETURNING *
    ), <sums>
    SELECT count(*) AS stored FROM events
""".replace("<columns>", ", ".join(STAGED)).replace("<sums>", SUMS)


class EventRepository:
    """Raises Unavailable without PostgreSQL. It is called under the lock of writers, in their transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stage(self, rows: Iterable[StagedRow]) -> None:
        """Put a batch where `store` takes it from; it is gone when the transaction ends."""
        await self._database.fetch(STAGE)
        await self._database.copy("analytics_staged", STAGED, rows)

    async def store(self, parameters: Parameters) -> int:
        """Store what is staged and not there yet. Returns how many were new."""
        return int((await self._database.fetch(STORE, *parameters))[0]["stored"])
