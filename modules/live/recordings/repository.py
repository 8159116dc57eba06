"""The rows of recordings: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database


class RecordingFacts(msgspec.Struct, frozen=True):
    """Where a recording is, and what is known of it."""

    id: str
    bucket: str
    prefix: str
    playlist: str
    duration_ms: int
    started_at: datetime


class DeletedRecording(msgspec.Struct, frozen=True):
    """A recording that was marked as deleted, as far as others have to be told."""

    id: str
    session_id: str
    rev: int
    program_id: str


class RecordingToErase(msgspec.Struct, frozen=True):
    """A deleted recording whose objects may be in their bucket still."""

    id: str
    session_id: str
    bucket: str
    prefix: str


COLUMNS: Final = ", ".join(RecordingFacts.__struct_fields__)
INSERT: Final = """
    INSERT INTO live_recording (id, session_id, bucket, prefix, playlist, duration_ms, started_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING rev
"""
OF_SESSION: Final = f"""
    SELECT {COLUMNS} FROM live_recording WHERE session_id = $1 AND deleted_at IS NULL ORDER BY started_at, id
"""  # noqa: S608
ONE: Final = f"SELECT {COLUMNS} FROM live_recording WHERE id = $2 AND session_id = $1 AND deleted_at IS NULL"  # noqa: S608
DELETED: Final = """
    id, session_id, rev, (SELECT program_id FROM live_session WHERE live_session.id = session_id) AS program_id
"""
MARK_DELETED: Final = f"""
    UPDATE live_recording SET deleted_at = $3, rev = rev + 1
    WHERE id = $2 AND session_id = $1 AND deleted_at IS NULL RETURNING {DELETED}
"""  # noqa: S608
MARK_EXPIRED: Final = f"""
    UPDATE live_recording SET deleted_at = $1, rev = rev + 1 WHERE id IN (
        SELECT id FROM live_recording WHERE deleted_at IS NULL AND started_at < $2
        ORDER BY started_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) RETURNING {DELETED}
"""  # noqa: S608
CLAIM: Final = """
    UPDATE live_recording SET claimed_until = $1 WHERE id = (
        SELECT id FROM live_recording WHERE deleted_at IS NOT NULL AND erased_at IS NULL
        AND (claimed_until IS NULL OR claimed_until < $2) ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id, session_id, bucket, prefix
"""
CLAIM_UNTIL: Final = "UPDATE live_recording SET claimed_until = $2 WHERE id = $1"
MARK_ERASED: Final = "UPDATE live_recording SET erased_at = $2, claimed_until = NULL WHERE id = $1"


class RecordingRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, session_id: str, new: RecordingFacts) -> int | None:
        """Write a recording; its revision, or None when it was written before."""
        values = (new.bucket, new.prefix, new.playlist, new.duration_ms, new.started_at)
        for row in await self._database.fetch(INSERT, new.id, session_id, *values):
            rev: int = row["rev"]
            return rev
        return None

    async def of_session(self, session_id: str) -> list[RecordingFacts]:
        """Those that nobody deleted, in the order in which they were recorded."""
        return [msgspec.convert(row, RecordingFacts) for row in await self._database.fetch(OF_SESSION, session_id)]

    async def find(self, session_id: str, id: str) -> RecordingFacts | None:
        """One that nobody deleted; else None."""
        for row in await self._database.fetch(ONE, session_id, id):
            return msgspec.convert(row, RecordingFacts)
        return None

    async def mark_deleted(self, session_id: str, id: str, now: datetime) -> DeletedRecording | None:
        """Show it to nobody any more; None when there is no such recording, or it was deleted before."""
        for row in await self._database.fetch(MARK_DELETED, session_id, id, now):
            return msgspec.convert(row, DeletedRecording)
        return None

    async def mark_expired(self, started_before: datetime, now: datetime, most: int) -> list[DeletedRecording]:
        """The same for the oldest of those that began before, at most so many."""
        rows = await self._database.fetch(MARK_EXPIRED, now, started_before, most)
        return [msgspec.convert(row, DeletedRecording) for row in rows]

    async def claim(self, until: datetime, now: datetime) -> RecordingToErase | None:
        """A deleted recording whose objects no other gateway is deleting, claimed until then; or None."""
        for row in await self._database.fetch(CLAIM, until, now):
            return msgspec.convert(row, RecordingToErase)
        return None

    async def claim_until(self, id: str, until: datetime) -> None:
        """Make a claim longer or shorter."""
        await self._database.fetch(CLAIM_UNTIL, id, until)

    async def mark_erased(self, id: str, now: datetime) -> None:
        """Its objects are gone. The row stays, so that the recording is not found in its bucket again."""
        await self._database.fetch(MARK_ERASED, id, now)
