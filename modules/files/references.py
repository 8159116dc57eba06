"""The rows of what holds files: every statement.

The files are locked before their references change, and only references to locked files are deleted. So of two holders
that let go of one file at the same moment the second one sees that nothing holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.files.facade import FileFacts
from modules.files.records import FileRecord
from modules.files.repository import COLUMNS

HOLDERS: Final = "ARRAY(SELECT holder FROM file_reference WHERE file_id = file.id ORDER BY holder) AS holders"
LOCK: Final = f"""
    SELECT {COLUMNS} FROM file
    WHERE id = ANY($1) OR id IN (SELECT file_id FROM file_reference WHERE holder = ANY($2))
    ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608
FACTS: Final = f"SELECT {COLUMNS}, {HOLDERS} FROM file WHERE id = ANY($1)"  # noqa: S608
HELD: Final = f"""
    SELECT {", ".join(f"file.{name}" for name in FileRecord.__struct_fields__)}, {HOLDERS}, reference.holder
    FROM file_reference AS reference JOIN file ON file.id = reference.file_id
    WHERE reference.holder = ANY($1) ORDER BY reference.holder, reference.position
"""  # noqa: S608
RELEASE: Final = "DELETE FROM file_reference WHERE holder = ANY($1) AND file_id = ANY($2) RETURNING file_id"
# Held until the transaction ends. Two that have one holder hold something wait for each other.
LOCK_HOLDER: Final = "SELECT pg_advisory_xact_lock(hashtextextended('file:' || $1, 0))"
HOLD: Final = """
    INSERT INTO file_reference (holder, file_id, position)
    SELECT $1, file_id, place FROM unnest($2::text[]) WITH ORDINALITY AS held (file_id, place)
    ON CONFLICT (holder, file_id) DO UPDATE SET position = excluded.position
"""
SHARE: Final = """
    WITH held AS (
        SELECT reference.file_id, reference.position
        FROM file_reference AS reference JOIN file ON file.id = reference.file_id
        WHERE reference.holder = $1 AND file.state IN ('quarantined', 'clean') AND file.deleting_at IS NULL
        ORDER BY file.id FOR NO KEY UPDATE OF file
    )
    INSERT INTO file_reference (holder, file_id, position) SELECT $2, file_id, position FROM held RETURNING file_id
"""
NOT_UNHELD: Final = "UPDATE file SET unheld_at = NULL WHERE id = ANY($1) AND unheld_at IS NOT NULL"
UNHELD: Final = """
    UPDATE file SET unheld_at = CASE WHEN state <> 'rejected' THEN $2 ELSE unheld_at END,
        deleting_at = CASE WHEN state = 'rejected' THEN $2 ELSE deleting_at END
    WHERE id = ANY($1) AND state IN ('quarantined', 'clean', 'rejected') AND deleting_at IS NULL
        AND NOT EXISTS (SELECT FROM file_reference WHERE file_id = file.id)
    RETURNING id
"""


class ReferenceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, file_ids: Collection[str], holders: Collection[str]) -> dict[str, FileRecord]:
        """Lock these files, and those that the holders hold, in the order of their ids."""
        rows = await self._database.fetch(LOCK, list(file_ids), list(holders))
        return {row["id"]: msgspec.convert(row, FileRecord) for row in rows}

    async def lock_holder(self, holder: str) -> None:
        """Let nobody else change what it holds until the transaction ends."""
        await self._database.fetch(LOCK_HOLDER, holder)

    async def facts(self, file_ids: Collection[str]) -> dict[str, FileFacts]:
        return {row["id"]: _facts(row) for row in await self._database.fetch(FACTS, list(file_ids))}

    async def records(self, file_ids: Collection[str]) -> dict[str, FileRecord]:
        rows = await self._database.fetch(FACTS, list(file_ids))
        return {row["id"]: msgspec.convert(row, FileRecord) for row in rows}

    async def held(self, holders: Collection[str]) -> dict[str, list[FileFacts]]:
        """By holder, in the order of each."""
        found: dict[str, list[FileFacts]] = {}
        for row in await self._database.fetch(HELD, list(holders)):
            found.setdefault(row["holder"], []).append(_facts(row))
        return found

    async def hold(self, holder: str, file_ids: Sequence[str]) -> None:
        """Have it hold these files, in this order, besides those that it holds."""
        await self._database.fetch(HOLD, holder, list(file_ids))
        await self._database.fetch(NOT_UNHELD, list(file_ids))

    async def share(self, source: str, holder: str) -> set[str]:
        """Have a holder that holds nothing hold what another holds, in the same order: what is stored of it."""
        return {row["file_id"] for row in await self._database.fetch(SHARE, source, holder)}

    async def release(self, holders: Collection[str], file_ids: Collection[str], at: datetime) -> list[str]:
        """Have these hold none of these files, which are locked; those of them that nothing holds any more."""
        released = [row["file_id"] for row in await self._database.fetch(RELEASE, list(holders), list(file_ids))]
        if not released:
            return []
        return [row["id"] for row in await self._database.fetch(UNHELD, released, at)]


def _facts(row: Mapping[str, Any]) -> FileFacts:
    return msgspec.convert(row, FileRecord).facts(tuple(row["holders"]))
