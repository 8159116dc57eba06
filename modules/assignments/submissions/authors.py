"""Whose work a submission is: one student's, or a group's.

Where an assignment is for groups, a student hands in with the group that they are in now; any member may save the draft
and turn in. A student who is in no group of the set hands in alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.records import Assignment

GROUP: Final = """
    SELECT own.group_id, ARRAY(
        SELECT mate.user_id FROM assignments_group_member AS mate
        WHERE mate.group_id = own.group_id AND mate.left_at IS NULL ORDER BY mate.user_id
    ) AS members
    FROM assignments_group_member AS own WHERE own.set_id = $1 AND own.user_id = $2 AND own.left_at IS NULL
"""
GROUPS: Final = """
    SELECT group_id, array_agg(user_id ORDER BY user_id) AS members FROM assignments_group_member
    WHERE set_id = $1 AND left_at IS NULL GROUP BY group_id
"""
MEMBERS: Final = """
    SELECT group_id, array_agg(user_id ORDER BY user_id) AS members FROM assignments_group_member
    WHERE group_id = ANY($1) AND left_at IS NULL GROUP BY group_id
"""

NAMES: Final = "SELECT id, name FROM assignments_group WHERE id = ANY($1)"


class Authors(msgspec.Struct, frozen=True):
    """One of the ids is set. `members` are the user ids of those whose work it is now, in their order."""

    user_id: str | None
    group_id: str | None
    members: tuple[str, ...]


def alone(user_id: str) -> Authors:
    return Authors(user_id, None, (user_id,))


class AuthorReader:
    """Each call is at most one query, and raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, assignment: Assignment, user_id: str) -> Authors:
        """With whom the user hands in for this assignment."""
        if assignment.group_set_id is not None:
            for row in await self._database.fetch(GROUP, assignment.group_set_id, user_id):
                return Authors(None, row["group_id"], tuple(row["members"]))
        return alone(user_id)

    async def groups(self, assignment: Assignment) -> dict[str, Authors]:
        """The groups that hand in for it, by id; none where it is for single students."""
        if assignment.group_set_id is None:
            return {}
        rows = await self._database.fetch(GROUPS, assignment.group_set_id)
        return {row["group_id"]: Authors(None, row["group_id"], tuple(row["members"])) for row in rows}

    async def members(self, group_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Who is in each of these groups now; empty ones are left out."""
        if not group_ids:
            return {}
        return {row["group_id"]: tuple(row["members"]) for row in await self._database.fetch(MEMBERS, list(group_ids))}

    async def names(self, group_ids: Collection[str]) -> dict[str, str]:
        """What these groups are called."""
        if not group_ids:
            return {}
        return {row["id"]: row["name"] for row in await self._database.fetch(NAMES, list(group_ids))}
