"""The rows of group sets, groups and who is in them: every statement, and what it gives.

A membership that ended stays, with its end: it says whose work it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.catalogue.group_messages import ListedGroupSet

COLUMNS: Final = "id, program_id, name, rev"
SETS: Final = f"SELECT {COLUMNS} FROM assignments_group_set WHERE program_id = $1 ORDER BY id"  # noqa: S608
SET: Final = f"SELECT {COLUMNS} FROM assignments_group_set WHERE id = $1"  # noqa: S608
COUNT_SETS: Final = "SELECT count(*) AS count FROM assignments_group_set WHERE program_id = $1"
INSERT_SET: Final = "INSERT INTO assignments_group_set (id, program_id, name) VALUES ($1, $2, $3)"
WRITE_SET: Final = "UPDATE assignments_group_set SET name = $2, rev = $3 WHERE id = $1"
DELETE_SET: Final = "DELETE FROM assignments_group_set WHERE id = $1"
USED: Final = "SELECT FROM assignments_assignment WHERE group_set_id = $1 LIMIT 1"
GROUPS: Final = """
    SELECT groups.id, groups.name, array_remove(array_agg(member.user_id ORDER BY member.id), NULL) AS members
    FROM assignments_group AS groups
    LEFT JOIN assignments_group_member AS member ON member.group_id = groups.id AND left_at IS NULL
    WHERE groups.set_id = $1 GROUP BY groups.id ORDER BY groups.id
"""
INSERT_GROUPS: Final = """
    INSERT INTO assignments_group (id, set_id, name)
    SELECT id, $1, name FROM unnest($2::text[], $3::text[]) AS one (id, name)
"""
RENAME_GROUP: Final = "UPDATE assignments_group SET name = $3 WHERE set_id = $1 AND id = $2 RETURNING id"
DELETE_GROUP: Final = "DELETE FROM assignments_group WHERE set_id = $1 AND id = $2 RETURNING id"
HAS_WORK: Final = "SELECT FROM assignments_submission WHERE group_id = $1 LIMIT 1"
LEAVE: Final = """
    UPDATE assignments_group_member SET left_at = $3
    WHERE set_id = $1 AND user_id = ANY($2) AND left_at IS NULL RETURNING group_id
"""
JOIN: Final = """
    INSERT INTO assignments_group_member (set_id, group_id, user_id, joined_at)
    SELECT $1, group_id, user_id, $4 FROM unnest($2::text[], $3::text[]) AS one (group_id, user_id)
"""
MATES: Final = """
    SELECT mate.user_id FROM assignments_group_member AS own
    JOIN assignments_group_member AS mate ON mate.group_id = own.group_id AND mate.left_at IS NULL
    WHERE own.set_id = $1 AND own.user_id = $2 AND own.left_at IS NULL
"""
OWN: Final = """
    SELECT groups.id, groups.name, array_agg(mate.user_id ORDER BY mate.id) AS members
    FROM assignments_group_member AS own JOIN assignments_group AS groups ON groups.id = own.group_id
    JOIN assignments_group_member AS mate ON mate.group_id = own.group_id AND mate.left_at IS NULL
    WHERE own.set_id = $1 AND own.user_id = $2 AND own.left_at IS NULL GROUP BY groups.id
"""
ALL_MATES: Final = """
    SELECT DISTINCT mate.user_id FROM assignments_group_set AS groups
    JOIN assignments_group_member AS own ON own.set_id = groups.id AND own.user_id = $2 AND own.left_at IS NULL
    JOIN assignments_group_member AS mate ON mate.group_id = own.group_id AND mate.left_at IS NULL
    WHERE groups.program_id = $1
"""
SETS_OF: Final = """
    SELECT groups.id FROM assignments_group_set AS groups
    JOIN assignments_group_member AS own ON own.set_id = groups.id AND own.user_id = $2 AND own.left_at IS NULL
    WHERE groups.program_id = $1 ORDER BY groups.id
"""


class GroupRow(msgspec.Struct, frozen=True):
    """A group, with the ids of those who are in it now."""

    id: str
    name: str
    members: tuple[str, ...]


class GroupRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sets(self, program_id: str) -> list[ListedGroupSet]:
        return [msgspec.convert(row, ListedGroupSet) for row in await self._database.fetch(SETS, program_id)]

    async def count_sets(self, program_id: str) -> int:
        (row,) = await self._database.fetch(COUNT_SETS, program_id)
        count: int = row["count"]
        return count

    async def find(self, id: str) -> ListedGroupSet | None:
        return await self._one(SET, id)

    async def lock(self, id: str) -> ListedGroupSet | None:
        """Nobody else changes the set or its groups until the transaction ends. Assignments may begin to use it."""
        return await self._one(f"{SET} FOR NO KEY UPDATE", id)

    async def lock_all(self, id: str) -> ListedGroupSet | None:
        """As `lock`, and no assignment begins to use it."""
        return await self._one(f"{SET} FOR UPDATE", id)

    async def insert(self, new: ListedGroupSet) -> None:
        await self._database.fetch(INSERT_SET, new.id, new.program_id, new.name)

    async def write(self, changed: ListedGroupSet) -> None:
        await self._database.fetch(WRITE_SET, changed.id, changed.name, changed.rev)

    async def delete(self, id: str) -> None:
        await self._database.fetch(DELETE_SET, id)

    async def is_used(self, id: str) -> bool:
        """Whether an assignment is for the groups of this set."""
        return bool(await self._database.fetch(USED, id))

    async def groups(self, set_id: str) -> list[GroupRow]:
        """The groups of a set, in the order in which they were made."""
        return [msgspec.convert(row, GroupRow) for row in await self._database.fetch(GROUPS, set_id)]

    async def add(self, set_id: str, ids: Sequence[str], names: Sequence[str]) -> None:
        await self._database.fetch(INSERT_GROUPS, set_id, list(ids), list(names))

    async def rename(self, set_id: str, group_id: str, name: str) -> bool:
        """False when the set has no such group."""
        return bool(await self._database.fetch(RENAME_GROUP, set_id, group_id, name))

    async def remove(self, set_id: str, group_id: str) -> bool:
        """False when the set has no such group."""
        return bool(await self._database.fetch(DELETE_GROUP, set_id, group_id))

    async def has_work(self, group_id: str) -> bool:
        """Whether the group has begun work, or turned it in."""
        return bool(await self._database.fetch(HAS_WORK, group_id))

    async def leave(self, set_id: str, user_ids: Collection[str], at: datetime) -> None:
        """These users are in no group of the set any more."""
        await self._database.fetch(LEAVE, set_id, list(user_ids), at)

    async def join(self, set_id: str, places: Sequence[tuple[str, str]], at: datetime) -> None:
        """Put users, who are in no group of the set, into groups: (group, user)."""
        groups, users = [group for group, _ in places], [user for _, user in places]
        await self._database.fetch(JOIN, set_id, groups, users, at)

    async def mates(self, set_id: str, user_id: str) -> list[str]:
        """Those who are in the user's group now, and the user; none when they are in no group."""
        return [row["user_id"] for row in await self._database.fetch(MATES, set_id, user_id)]

    async def own(self, set_id: str, user_id: str) -> GroupRow | None:
        """The group that the user is in now; None when they are in none."""
        for row in await self._database.fetch(OWN, set_id, user_id):
            return msgspec.convert(row, GroupRow)
        return None

    async def all_mates(self, program_id: str, user_id: str) -> list[str]:
        """Those who are in a group with the user now, in any set of the program."""
        return [row["user_id"] for row in await self._database.fetch(ALL_MATES, program_id, user_id)]

    async def sets_of(self, program_id: str, user_id: str) -> list[str]:
        """The ids of the program's sets in which the user is in a group now, in their order."""
        return [row["id"] for row in await self._database.fetch(SETS_OF, program_id, user_id)]

    async def _one(self, statement: str, id: str) -> ListedGroupSet | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, ListedGroupSet)
        return None
