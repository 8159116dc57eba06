"""Subjects: the pseudonyms under which users are stored. Whoever has no row here cannot be found in the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID, uuid4

from gateway.contract import Database
from modules.accounts.facade import deleted_among

MAKE: Final = """
    INSERT INTO analytics_subject (user_id, subject)
    SELECT user_id, gen_random_uuid() FROM unnest($1::text[]) AS user_id ORDER BY user_id
    ON CONFLICT DO NOTHING
"""
FIND: Final = "SELECT user_id, subject FROM analytics_subject WHERE user_id = ANY($1::text[])"


class SubjectRepository:
    """Raises Unavailable without PostgreSQL. Nothing is kept in memory, since a dropped row must be gone everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, users: Collection[str]) -> Mapping[str, UUID]:
        """The subjects of those users who have one."""
        rows = await self._database.fetch(FIND, list(users))
        return {row["user_id"]: row["subject"] for row in rows}

    async def make(self, users: Collection[str]) -> Mapping[str, UUID]:
        """The subjects of all these users, made where there is none.

        A user who was deleted gets one that nothing leads to, and no row: their last facts are stored after them.
        """
        found = await self.find(users)
        missing = [user for user in users if user not in found]
        if not missing:
            return found
        deleted = await deleted_among(self._database, missing)
        await self._database.fetch(MAKE, [user for user in missing if user not in deleted])
        return {**found, **{user: uuid4() for user in deleted}, **await self.find(missing)}
