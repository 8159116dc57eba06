"""The rows of messages to students: who was written to last, in which program, by whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from gateway.contract import Database

LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('analytics_message'), hashtext($1))"
# In one order, so that two writers of the same students do not wait for each other for ever.
MARK: Final = """
    INSERT INTO analytics_message AS held (program_id, user_id, by_id, at)
    SELECT $1, told.id, $3, $4 FROM unnest($2::text[]) AS told (id) ORDER BY told.id
    ON CONFLICT (program_id, user_id) DO UPDATE SET by_id = $3, at = $4 WHERE held.at <= $5
    RETURNING user_id
"""
WRITTEN: Final = "SELECT user_id, at FROM analytics_message WHERE program_id = $1 AND user_id = ANY($2)"
SENT: Final = "SELECT count(*) AS count, min(at) AS first FROM analytics_message WHERE by_id = $1 AND at > $2"
HELD: Final = "SELECT program_id, by_id, at FROM analytics_message WHERE user_id = $1 ORDER BY at, program_id"
FORGET: Final = "DELETE FROM analytics_message WHERE user_id = $1"


class MessageRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, by: str) -> None:
        """One message of this writer at a time, until the transaction ends."""
        await self._database.fetch(LOCK, by)

    async def mark(self, program: str, users: Collection[str], by: str, at: datetime, before: datetime) -> set[str]:
        """Write down that these are written to; those of them who were not written to since `before`."""
        rows = await self._database.fetch(MARK, program, list(users), by, at, before)
        return {row["user_id"] for row in rows}

    async def written(self, program: str, users: Collection[str]) -> dict[str, datetime]:
        """When each of these was written to last."""
        return {row["user_id"]: row["at"] for row in await self._database.fetch(WRITTEN, program, list(users))}

    async def sent(self, by: str, since: datetime) -> tuple[int, datetime | None]:
        """How many students this user has written to since then, and when first."""
        row = (await self._database.fetch(SENT, by, since))[0]
        return row["count"], row["first"]

    async def held(self, user: str) -> list[dict[str, Any]]:
        """What an export shows of a student."""
        return [dict(row) for row in await self._database.fetch(HELD, user)]

    async def forget(self, user: str) -> None:
        """Done again it changes nothing."""
        await self._database.fetch(FORGET, user)
