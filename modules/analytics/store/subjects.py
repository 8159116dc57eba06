"""Subjects: the pseudonyms under which users are stored. Whoever has no row here cannot be found in the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from gateway.contract import Database

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
        """The subjects of all these users, made where there is none."""
        found = await self.find(users)
        missing = [user for user in users if user not in found]
        if not missing:
            return found
        await self._database.fetch(MAKE, missing)
        return {**found, **await self.find(missing)}
