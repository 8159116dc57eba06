"""The rows of consent: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database

COLUMNS: Final = "user_id, analytics, sinks, outside, outside_since, changed_at, rev"
READ: Final = f"SELECT {COLUMNS} FROM analytics_consent WHERE user_id = $1"  # noqa: S608
# The row that is there, or the one that is written: nobody else changes it until the transaction ends.
LOCK: Final = f"""
    INSERT INTO analytics_consent AS known (user_id, changed_at, rev) VALUES ($1, $2, 0)
    ON CONFLICT (user_id) DO UPDATE SET rev = known.rev
    RETURNING {COLUMNS}
"""  # noqa: S608
WRITE: Final = """
    UPDATE analytics_consent
    SET analytics = $2, sinks = $3, outside = $4, outside_since = $5, changed_at = $6, rev = $7 WHERE user_id = $1
"""
DELETE: Final = f"DELETE FROM analytics_consent WHERE user_id = $1 RETURNING {COLUMNS}"  # noqa: S608
ANALYTICS: Final = """
    SELECT user_id, analytics FROM analytics_consent WHERE user_id = ANY($1) AND analytics IS NOT NULL
"""


class ConsentRow(msgspec.Struct, frozen=True):
    """`outside` is who the user is in sinks, since then; None while nothing may leave."""

    user_id: str
    analytics: bool | None
    sinks: bool | None
    outside: UUID | None
    outside_since: datetime | None
    changed_at: datetime
    rev: int


class ConsentRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def choices_of(self, user_ids: Collection[str]) -> dict[str, bool]:
        """Whether client events of these users may be stored with their subject. Without a choice they are left out.

        Events that wait are asked for again when they are stored: the choice may have changed.
        """
        rows = await self._database.fetch(ANALYTICS, list(user_ids))
        return {row["user_id"]: row["analytics"] for row in rows}

    async def find(self, user_id: str) -> ConsentRow | None:
        for row in await self._database.fetch(READ, user_id):
            return msgspec.convert(dict(row), ConsentRow)
        return None

    async def lock(self, user_id: str, now: datetime) -> ConsentRow:
        """The user's row, made if there is none, with revision 0."""
        (row,) = await self._database.fetch(LOCK, user_id, now)
        return msgspec.convert(dict(row), ConsentRow)

    async def write(self, row: ConsentRow) -> None:
        await self._database.fetch(WRITE, *msgspec.structs.astuple(row))

    async def delete(self, user_id: str) -> ConsentRow | None:
        """The row that there was."""
        for row in await self._database.fetch(DELETE, user_id):
            return msgspec.convert(dict(row), ConsentRow)
        return None
