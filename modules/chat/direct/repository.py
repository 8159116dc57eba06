"""The rows of direct rooms: every statement, and what it gives.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from piccolo.columns.combination import WhereRaw

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.chat.direct.tables import DirectRow

COLUMNS: Final = "id, pair, title, created_by, created_at, rev"
# One user's rooms are opened one after the other, so that they are counted.
LOCK_OPENER: Final = "SELECT pg_advisory_xact_lock(hashtext('chat_direct'), hashtext($1))"
# When the oldest of the user's newest `$3` rooms was opened; no row when there are not as many since `$2`.
OLDEST_OF: Final = """
    SELECT created_at FROM chat_direct WHERE created_by = $1 AND created_at > $2
    ORDER BY created_at DESC OFFSET $3 LIMIT 1
"""
INSERT: Final = f"""
    INSERT INTO chat_direct ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (pair) DO NOTHING RETURNING {COLUMNS}
"""  # noqa: S608
OF_PAIR: Final = f"SELECT {COLUMNS} FROM chat_direct WHERE pair = $1"  # noqa: S608
# Only who is in it finds it.
ONE: Final = f"""
    SELECT {COLUMNS} FROM chat_direct WHERE id = $1
    AND EXISTS (SELECT FROM chat_direct_member WHERE direct_id = $1 AND user_id = $2)
"""  # noqa: S608
CHANGE: Final = f"UPDATE chat_direct SET title = $2, rev = rev + 1 WHERE id = $1 RETURNING {COLUMNS}"  # noqa: S608
OF_USER: Final = f"""
    SELECT {COLUMNS} FROM chat_direct WHERE id IN (SELECT direct_id FROM chat_direct_member WHERE user_id = $1)
    ORDER BY id FOR UPDATE
"""  # noqa: S608
ADD: Final = """
    INSERT INTO chat_direct_member (direct_id, user_id, joined_at, seen_from)
    SELECT $1, user_id, $3, $4 FROM unnest($2::text[]) AS new (user_id) ON CONFLICT DO NOTHING RETURNING user_id
"""
REMOVE: Final = "DELETE FROM chat_direct_member WHERE direct_id = $1 AND user_id = $2 RETURNING user_id"
MEMBERS: Final = """
    SELECT direct_id, user_id, joined_at FROM chat_direct_member WHERE direct_id = ANY($1) ORDER BY joined_at, user_id
"""
DELETE_ABANDONED: Final = """
    DELETE FROM chat_direct WHERE id = $1 AND NOT EXISTS (SELECT FROM chat_direct_member WHERE direct_id = $1)
    RETURNING id
"""
SEEN_FROM: Final = "SELECT seen_from FROM chat_direct_member WHERE direct_id = $1 AND user_id = $2"
FOLLOWED: Final = "SELECT direct_id, seen_from FROM chat_direct_member WHERE user_id = $1"
FOLLOWERS: Final = "SELECT user_id, seen_from FROM chat_direct_member WHERE direct_id = $1"
# From when on a user sees a room, who sees all of it. The clock of the log and that of the database are two.
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINE: Final = "id IN (SELECT direct_id FROM chat_direct_member WHERE user_id = {})"
NEWEST: Final = Sort("newest", (DirectRow.created_at, DirectRow.id), descending=True)


class Direct(msgspec.Struct, frozen=True):
    """The row of a direct room."""

    id: str
    pair: str | None
    title: str
    created_by: str
    created_at: datetime
    rev: int


class Membership(msgspec.Struct, frozen=True):
    """That a user is in a direct room."""

    direct_id: str
    user_id: str
    joined_at: datetime


class DirectRepository:
    """Pairs, groups and who is in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_opener(self, user: str) -> None:
        """The user opens no other room until the transaction ends."""
        await self._database.fetch(LOCK_OPENER, user)

    async def oldest_of(self, user: str, since: datetime, number: int) -> datetime | None:
        """When the last but `number - 1` of the rooms that the user opened since then was; None for fewer rooms."""
        for row in await self._database.fetch(OLDEST_OF, user, since, number - 1):
            return msgspec.convert(row["created_at"], datetime)
        return None

    async def insert(self, id: str, pair: str | None, title: str, opener: str, at: datetime) -> Direct | None:
        """A new room; None when there is one of the pair."""
        for row in await self._database.fetch(INSERT, id, pair, title, opener, at):
            return _direct(row)
        return None

    async def of_pair(self, pair: str) -> Direct | None:
        for row in await self._database.fetch(OF_PAIR, pair):
            return _direct(row)
        return None

    async def find(self, id: str, user: str) -> Direct | None:
        """The room, for a user who is in it."""
        for row in await self._database.fetch(ONE, id, user):
            return _direct(row)
        return None

    async def lock(self, id: str, user: str) -> Direct | None:
        """The same. Nobody joins, leaves or renames it until the transaction ends."""
        for row in await self._database.fetch(f"{ONE} FOR UPDATE", id, user):
            return _direct(row)
        return None

    async def lock_all(self, user: str) -> list[Direct]:
        """All rooms that the user is in, locked in the order of their ids."""
        return [_direct(row) for row in await self._database.fetch(OF_USER, user)]

    async def change(self, id: str, title: str) -> Direct:
        """Write the title of a room that is locked, or that its members changed; gives it with its new revision."""
        (row,) = await self._database.fetch(CHANGE, id, title)
        return _direct(row)

    async def add(self, id: str, users: Collection[str], at: datetime, seen_from: datetime) -> list[str]:
        """Those of these users who were not in the room, and are now."""
        return [row["user_id"] for row in await self._database.fetch(ADD, id, list(users), at, seen_from)]

    async def remove(self, id: str, user: str) -> bool:
        """Whether the user was in the room, and is no more."""
        return bool(await self._database.fetch(REMOVE, id, user))

    async def delete_abandoned(self, id: str) -> bool:
        """Delete the room when nobody is in it; whether it was so."""
        return bool(await self._database.fetch(DELETE_ABANDONED, id))

    async def members(self, ids: Sequence[str]) -> dict[str, list[Membership]]:
        """Who is in each of these rooms, in the order of joining."""
        found: dict[str, list[Membership]] = {id: [] for id in ids}
        for row in await self._database.fetch(MEMBERS, list(ids)):
            found[row["direct_id"]].append(msgspec.convert(dict(row), Membership))
        return found

    async def seen_from(self, id: str, user: str) -> datetime | None:
        """From when on the user sees what was written; None for a user who is not in the room."""
        for row in await self._database.fetch(SEEN_FROM, id, user):
            return msgspec.convert(row["seen_from"], datetime)
        return None

    async def followed(self, user: str) -> dict[str, datetime]:
        """The rooms that the user is in, each with from when on they see what was written."""
        return {row["direct_id"]: row["seen_from"] for row in await self._database.fetch(FOLLOWED, user)}

    async def followers(self, id: str) -> dict[str, datetime]:
        """The same, of one room: its members, each with from when on they see."""
        return {row["user_id"]: row["seen_from"] for row in await self._database.fetch(FOLLOWERS, id)}

    async def page(self, user: str, span: Span) -> Page[Direct]:
        """The rooms that the user is in, the newest first."""
        with self._database.guard():
            return await page_of(DirectRow.select().where(WhereRaw(MINE, user)), NEWEST, span, Direct)


def pair_of(one: str, other: str) -> str:
    """The key of the room of two users."""
    return " ".join(sorted((one, other)))


def _direct(row: Mapping[str, Any]) -> Direct:
    return msgspec.convert(dict(row), Direct)
