"""What files holds on a user, and what goes when they are deleted.

What nothing holds is deleted, in the bucket too. A held file is a part of something: a message, a submission. Its
module says what becomes of that, and when it lets go, the file is swept. Until then the file loses the name that the
user gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gateway.contract import Database

HELD: Final = """
    SELECT id, purpose, target, name, type, size, sha256, state, begun_at, stored_at,
        ARRAY(SELECT holder FROM file_reference WHERE file_id = file.id ORDER BY holder) AS used_by
    FROM file WHERE owner_id = $1 AND state <> 'deleted' ORDER BY id
"""
# What changes references locks the files first, so after this nobody begins to hold one.
LOCK: Final = "SELECT FROM file WHERE owner_id = $1 ORDER BY id FOR NO KEY UPDATE"
DELETE: Final = """
    UPDATE file SET deleting_at = $2, unheld_at = NULL
    WHERE owner_id = $1 AND deleting_at IS NULL AND state <> 'deleted'
        AND NOT EXISTS (SELECT FROM file_reference WHERE file_id = file.id)
"""
RENAME: Final = r"""
    UPDATE file SET name = 'file' || coalesce(substring(name FROM '\.[^.]*$'), ''), rev = rev + 1
    WHERE owner_id = $1 AND name !~ '^file(\.[^.]*)?$'
"""


class PersonalData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user: str) -> Mapping[str, Any]:
        return {"files": [dict(row) for row in await self._database.fetch(HELD, user)]}

    async def forget(self, user: str, at: datetime) -> None:
        """Done again it changes nothing."""
        await self._database.fetch(LOCK, user)
        await self._database.fetch(DELETE, user, at)
        await self._database.fetch(RENAME, user)
