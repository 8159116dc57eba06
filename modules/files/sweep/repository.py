"""What is to be deleted: every statement. What is returned is claimed for a while, so that one gateway has it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from gateway.contract import Database
from modules.files.records import FileRecord
from modules.files.repository import COLUMNS


class Why(StrEnum):
    """Why a file is to be deleted."""

    UNFINISHED = "unfinished"
    """Its upload was not completed in time."""
    UNHELD = "unheld"
    """Nothing holds it."""
    DELETING = "deleting"
    """Its deletion has begun before, and was not proven."""


# Each is true from so long ($4) after a moment on.
DUE: Final = {
    Why.UNFINISHED: "state = 'pending' AND deleting_at IS NULL AND expires_at <= $1::timestamptz - $4::interval",
    Why.UNHELD: "unheld_at <= $1::timestamptz - $4::interval AND deleting_at IS NULL",
    Why.DELETING: "deleting_at <= $1::timestamptz - $4::interval AND removed_at IS NULL",
}
CLAIM: Final = f"""
    UPDATE file SET sweep_until = $2 WHERE id IN (
        SELECT id FROM file WHERE {{due}} AND coalesce(sweep_until <= $1::timestamptz, true)
        ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    ) RETURNING {COLUMNS}
"""  # noqa: S608
WAITING: Final = "SELECT count(*) AS files FROM file WHERE deleting_at IS NOT NULL AND removed_at IS NULL"
# A form that was still good may have brought back an object of a file that is gone.
KNOWN: Final = "SELECT id, removed_at IS NOT NULL AS gone FROM file WHERE id = ANY($1)"
KNOWN_UPLOADS: Final = "SELECT upload_id FROM file WHERE upload_id = ANY($1) AND removed_at IS NULL"
CLAIM_WALK: Final = """
    INSERT INTO file_walk (name, next_at) VALUES ('bucket', $2)
    ON CONFLICT (name) DO UPDATE SET next_at = $2 WHERE file_walk.next_at <= $1
    RETURNING after_key
"""
GO_ON: Final = "UPDATE file_walk SET after_key = $1, next_at = $2 WHERE name = 'bucket'"


class SweepRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, why: Why, kept: timedelta, now: datetime, until: datetime, most: int) -> list[FileRecord]:
        """Files that are due for so long; nobody else gets them until then."""
        rows = await self._database.fetch(CLAIM.format(due=DUE[why]), now, until, most, kept)
        return [msgspec.convert(row, FileRecord) for row in rows]

    async def waiting(self) -> int:
        (row,) = await self._database.fetch(WAITING)
        found: int = row["files"]
        return found

    async def known(self, ids: Collection[str]) -> dict[str, bool]:
        """Which of these files have a row, and whether it says that their objects are gone from the bucket."""
        return {row["id"]: row["gone"] for row in await self._database.fetch(KNOWN, list(ids))}

    async def known_uploads(self, upload_ids: Collection[str]) -> set[str]:
        return {row["upload_id"] for row in await self._database.fetch(KNOWN_UPLOADS, list(upload_ids))}

    async def claim_walk(self, now: datetime, until: datetime) -> str | None:
        """The key after which the walk over the bucket goes on; None when it is not due, or another gateway has it."""
        for row in await self._database.fetch(CLAIM_WALK, now, until):
            key: str = row["after_key"]
            return key
        return None

    async def go_on(self, after_key: str, at: datetime) -> None:
        """The walk has come so far, and goes on then."""
        await self._database.fetch(GO_ON, after_key, at)
