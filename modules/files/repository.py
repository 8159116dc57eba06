"""The rows of files: every statement of uploads, of their checks and of those who read them.

What changes a file locks its row first (`NO KEY`, so that a new reference passes). Who locks several does so in the
order of their ids.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.files.records import FileRecord
from modules.files.states import STEPS, FileState, FileStep
from modules.files.tables import FileRow

COLUMNS: Final = ", ".join(FileRecord.__struct_fields__)
PLACES: Final = ", ".join(f"${number}" for number, _ in enumerate(FileRecord.__struct_fields__, 1))
NEWEST: Final = Sort("newest", (FileRow.id,), descending=True)
# They are in no list.
GONE: Final = (FileState.DELETED.value,)

INSERT: Final = f"INSERT INTO file ({COLUMNS}) VALUES ({PLACES})"  # noqa: S608
FIND: Final = f"SELECT {COLUMNS} FROM file WHERE id = $1"  # noqa: S608
LOCK: Final = f"{FIND} FOR NO KEY UPDATE"

# Held until the transaction ends. All that count in one quota wait for each other.
QUOTA_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('files:' || $1, 0))"
# What may be in the bucket counts, refused files too as long as their objects are kept.
USED_BY: Final = """
    SELECT coalesce(sum(size), 0)::bigint AS bytes FROM file WHERE owner_id = $1 AND removed_at IS NULL
"""
USED_IN: Final = "SELECT coalesce(sum(size), 0)::bigint AS bytes FROM file WHERE quota = $1 AND removed_at IS NULL"

# Each step writes what belongs to it, and nothing when the file is in no state that it goes from.
STEP: Final = f"""
    UPDATE file SET state = $3, rev = rev + 1, reason = coalesce($5, reason), width = coalesce($6, width),
        height = coalesce($7, height),
        stored_at = CASE WHEN $3 = 'quarantined' THEN coalesce(stored_at, $4) ELSE stored_at END,
        cleared_at = CASE WHEN $3 = 'clean' THEN $4 ELSE cleared_at END,
        unheld_at = CASE
            WHEN $3 = 'quarantined' AND NOT EXISTS (SELECT FROM file_reference WHERE file_id = file.id) THEN $4
            WHEN $3 IN ('rejected', 'deleted') THEN NULL
            ELSE unheld_at END,
        deleting_at = CASE
            WHEN $3 = 'rejected' AND purpose = ANY($8)
                AND EXISTS (SELECT FROM file_reference WHERE file_id = file.id) THEN deleting_at
            WHEN $3 IN ('rejected', 'deleted') THEN coalesce(deleting_at, $4)
            ELSE deleting_at END,
        removed_at = CASE WHEN $3 = 'deleted' THEN coalesce(removed_at, $4) ELSE removed_at END
    WHERE id = $1 AND state = ANY($2) AND (deleting_at IS NULL OR $3 = 'deleted') RETURNING {COLUMNS}
"""  # noqa: S608
DELETING: Final = f"""
    UPDATE file SET deleting_at = $2, unheld_at = NULL
    WHERE id = $1 AND state <> 'deleted' AND NOT EXISTS (SELECT FROM file_reference WHERE file_id = $1)
    RETURNING {COLUMNS}
"""  # noqa: S608
RENDERED: Final = f"""
    UPDATE file SET renditions = $2, width = coalesce(width, $3), height = coalesce(height, $4), rev = rev + 1
    WHERE id = $1 AND state = 'clean' AND deleting_at IS NULL RETURNING {COLUMNS}
"""  # noqa: S608
REMOVED: Final = "UPDATE file SET removed_at = coalesce(removed_at, $2) WHERE id = $1"


class FileRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, file: FileRecord) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(file))

    async def find(self, id: str) -> FileRecord | None:
        return await self._one(FIND, id)

    async def lock(self, id: str) -> FileRecord | None:
        return await self._one(LOCK, id)

    async def lock_quotas(self, names: Collection[str]) -> None:
        """Let nobody else add a file to these until the transaction ends."""
        for name in sorted(names):
            await self._database.fetch(QUOTA_LOCK, name)

    async def used_by(self, owner_id: str) -> int:
        """Bytes of all files of a user that may be in the bucket, those on their way included."""
        (row,) = await self._database.fetch(USED_BY, owner_id)
        used: int = row["bytes"]
        return used

    async def used_in(self, quota: str) -> int:
        """The same of all files that count in this quota."""
        (row,) = await self._database.fetch(USED_IN, quota)
        used: int = row["bytes"]
        return used

    async def step(
        self,
        id: str,
        step: FileStep,
        at: datetime,
        *,
        reason: str | None = None,
        width: int | None = None,
        height: int | None = None,
        keeping: Collection[str] = (),
    ) -> FileRecord | None:
        """Take a step of `states.STEPS`. `keeping` are the purposes whose files keep their objects while they are held.

        None when the file is in none of the states that it goes from, or is being deleted and this is another step.
        """
        before, after = STEPS[step]
        return await self._one(STEP, id, sorted(before), after.value, at, reason, width, height, list(keeping))

    async def begin_deletion(self, id: str, at: datetime) -> FileRecord | None:
        """Say that the object is about to be deleted. None when something holds the file, or it is deleted."""
        return await self._one(DELETING, id, at)

    async def rendered(self, id: str, names: Collection[str], width: int, height: int) -> FileRecord | None:
        """Pictures of these names are in the bucket. None when the file is not clean, or about to be deleted."""
        return await self._one(RENDERED, id, list(names), width, height)

    async def removed(self, id: str, at: datetime) -> None:
        """The bucket has said that the object is not there."""
        await self._database.fetch(REMOVED, id, at)

    async def listed(self, owner_id: str, purpose: str | None, span: Span) -> Page[FileRecord]:
        """The files of a user, newest first, without deleted ones."""
        query = FileRow.select().where(FileRow.owner_id == owner_id, FileRow.state.not_in(list(GONE)))
        if purpose is not None:
            query = query.where(FileRow.purpose == purpose)
        with self._database.guard():
            return await page_of(query, NEWEST, span, FileRecord)

    async def _one(self, statement: str, *arguments: object) -> FileRecord | None:
        for row in await self._database.fetch(statement, *arguments):
            return msgspec.convert(row, FileRecord)
        return None
