"""The scans of files in quarantine: every statement. A scan that is due is claimed, so that one gateway begins it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.contract import Database

# From the event to its scan; longer, and the event was lost.
FIRST: Final = timedelta(seconds=60)

BEGIN: Final = "UPDATE file SET scan_at = $2 WHERE id = $1 AND state = 'quarantined'"
NOTE: Final = "UPDATE file SET scan = $2, scan_at = NULL WHERE id = $1"
FAIL: Final = """
    UPDATE file SET scan_tries = scan_tries + 1,
        scan_at = $2::timestamptz + least($3::interval * (2 ^ least(scan_tries, 20)), $4::interval)
    WHERE id = $1 AND state = 'quarantined'
"""
CLAIM: Final = """
    UPDATE file SET scan_at = $2 WHERE id IN (
        SELECT id FROM file
        WHERE state = 'quarantined' AND deleting_at IS NULL
            AND coalesce(scan_at, stored_at + $3::interval) <= $1::timestamptz
        ORDER BY stored_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
    ) RETURNING id
"""
WAITING: Final = """
    SELECT count(*) AS files, min(stored_at) AS oldest FROM file WHERE state = 'quarantined' AND deleting_at IS NULL
"""


class ScanRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, id: str, until: datetime) -> None:
        """Nobody else takes it for due until then."""
        await self._database.fetch(BEGIN, id, until)

    async def note(self, id: str, outcome: str) -> None:
        await self._database.fetch(NOTE, id, outcome)

    async def fail(self, id: str, now: datetime, first: timedelta, most: timedelta) -> None:
        """It is due again after a while that doubles with each failure."""
        await self._database.fetch(FAIL, id, now, first, most)

    async def claim(self, now: datetime, until: datetime, most: int) -> list[str]:
        """Files whose scan is due, the longest waiting first. They are not due again until then."""
        return [row["id"] for row in await self._database.fetch(CLAIM, now, until, FIRST, most)]

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many files are in quarantine, and since when the oldest is."""
        (row,) = await self._database.fetch(WAITING)
        return row["files"], row["oldest"]
