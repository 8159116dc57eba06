"""The rows of read positions, and the counts that follow from them and from the index.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database

# A position only rises, so that the devices of a user may say theirs in any order.
READ: Final = """
    INSERT INTO chat_read AS mine (user_id, room, seq, reads) VALUES ($1, $2, $3, 1)
    ON CONFLICT (user_id, room) DO UPDATE SET seq = EXCLUDED.seq, reads = mine.reads + 1
    WHERE mine.seq < EXCLUDED.seq RETURNING seq
"""
# Their positions stay.
RENEW: Final = """
    INSERT INTO chat_read AS one (user_id, room, seq, reads)
    SELECT user_id, $1, 0, 1 FROM unnest($2::text[]) AS new (user_id) ORDER BY user_id
    ON CONFLICT (user_id, room) DO UPDATE SET reads = one.reads + 1
"""
HEAD: Final = "SELECT max(seq) AS seq FROM chat_message WHERE room = $1"
# The seq at which the part of the room begins that the user sees, so that no count reads over what was before. Clocks
# of the log may differ a little, so it begins a minute earlier, and each message is asked for its own time.
_START: Final = """
    SELECT CASE WHEN asked.since IS NULL THEN 0 ELSE coalesce((
        SELECT seq FROM chat_message AS message
        WHERE message.room = asked.room AND message.at >= asked.since - interval '1 minute'
        ORDER BY message.at LIMIT 1
    ), 9223372036854775807) END AS seq
"""
_SEEN: Final = """
    message.room = asked.room AND message.seq >= start.seq AND message.at >= coalesce(asked.since, '-infinity')
"""
_UNREAD: Final = "message.seq > coalesce(mine.seq, 0) AND message.author_id <> asked.user_id"
# Counts stop one beyond $4: of more nobody is told how many. One statement sees one state of the rows: a state has one
# revision, and counts of the same revision are the same.
_COUNTED: Final = f"""
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS asked (user_id, room, since)
    LEFT JOIN chat_read AS mine ON mine.user_id = asked.user_id AND mine.room = asked.room
    LEFT JOIN chat_index_room AS state ON state.room = asked.room
    CROSS JOIN LATERAL ({_START}) AS start
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM (
            SELECT FROM chat_message AS message WHERE {_SEEN} AND {_UNREAD} LIMIT $4 + 1
        ) AS found
    ) AS unread
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM (
            SELECT FROM chat_mention AS mention JOIN chat_message AS message ON message.seq = mention.seq
            WHERE mention.user_id = asked.user_id AND mention.room = asked.room
                AND mention.seq > coalesce(mine.seq, 0) AND {_SEEN} AND {_UNREAD} LIMIT $4
        ) AS found
    ) AS mentioned
"""  # noqa: S608
_COLUMNS: Final = """
    asked.user_id, asked.room, coalesce(mine.seq, 0) AS seq,
    coalesce(mine.reads, 0) + coalesce(state.changes, 0) AS rev, unread.number AS unread, mentioned.number AS mentions
"""
COUNTS: Final = f"SELECT {_COLUMNS} {_COUNTED}"
SUMMARY: Final = f"""
    SELECT {_COLUMNS}, last.seq AS last_seq, last.version, last.at {_COUNTED}
    LEFT JOIN LATERAL (
        SELECT seq, version, at FROM chat_message AS message WHERE {_SEEN} ORDER BY message.seq DESC LIMIT 1
    ) AS last ON true
    ORDER BY last.seq DESC NULLS LAST, asked.room LIMIT $5
"""  # noqa: S608
# Rows of users, which nobody moves until the transaction ends. In one order, so that nobody waits in a circle.
KEEP: Final = """
    INSERT INTO chat_read (user_id, room, seq, reads) SELECT user_id, $1, 0, 0 FROM unnest($2::text[]) AS one (user_id)
    ON CONFLICT DO NOTHING
"""
LOCK: Final = "SELECT FROM chat_read WHERE room = $1 AND user_id = ANY($2::text[]) ORDER BY user_id FOR UPDATE"
OF_KIND: Final = """
    SELECT room FROM chat_read WHERE user_id = $1 AND room LIKE $2 || ':%' ORDER BY seq DESC LIMIT $3
"""
HELD: Final = "SELECT room, seq FROM chat_read WHERE user_id = $1 AND seq > 0 ORDER BY room"
FORGET: Final = ("DELETE FROM chat_read WHERE user_id = $1", "DELETE FROM chat_mention WHERE user_id = $1")


class Asked(msgspec.Struct, frozen=True):
    """Whose unread messages of which room are counted, and since when the user reads it; None: from its beginning."""

    user_id: str
    room: str
    since: datetime | None = None


class Counted(msgspec.Struct, frozen=True):
    """The counts may be one above the most that is told."""

    user_id: str
    room: str
    seq: int
    rev: int
    unread: int
    mentions: int


class Summed(Counted, frozen=True):
    """The same, with the newest message: where its latest version is in the archive."""

    last_seq: int | None
    version: int | None
    at: datetime | None


class ReadingRepository:
    """Up to where each user has read each room."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, user: str, room: str, seq: int) -> bool:
        """Move the user's position; whether it was below."""
        return bool(await self._database.fetch(READ, user, room, seq))

    async def renew(self, room: str, users: Sequence[str]) -> None:
        """Give the counts of these users a new revision: they see another part of the room from now on."""
        await self._database.fetch(RENEW, room, list(users))

    async def head(self, room: str) -> int:
        """The newest message of the room that the index has; 0 without one."""
        (row,) = await self._database.fetch(HEAD, room)
        return int(row["seq"] or 0)

    async def counts(self, asked: Sequence[Asked], most: int) -> list[Counted]:
        """What is unread, for each of these pairs, in no order."""
        if not asked:
            return []
        rows = await self._database.fetch(COUNTS, *_arrays(asked), most)
        return [msgspec.convert(dict(row), Counted) for row in rows]

    async def summary(self, asked: Sequence[Asked], most: int, rooms: int) -> list[Summed]:
        """The same with the newest message, for so many rooms, the one with the newest message first."""
        if not asked:
            return []
        rows = await self._database.fetch(SUMMARY, *_arrays(asked), most, rooms)
        return [msgspec.convert(dict(row), Summed) for row in rows]

    async def lock(self, room: str, users: Sequence[str]) -> None:
        """Let nobody move the positions of these users in the room until the transaction ends."""
        await self._database.fetch(KEEP, room, sorted(users))
        await self._database.fetch(LOCK, room, list(users))

    async def read_rooms(self, user: str, kind: str, most: int) -> list[str]:
        """The rooms of a kind in which the user has read something, those read last by seq first."""
        return [row["room"] for row in await self._database.fetch(OF_KIND, user, kind, most)]

    async def export(self, user: str) -> list[Mapping[str, Any]]:
        """The positions of a user."""
        return [dict(row) for row in await self._database.fetch(HELD, user)]

    async def forget(self, user: str) -> None:
        """Delete the positions of a user, and what counts their mentions, in the caller's transaction."""
        for statement in FORGET:
            await self._database.fetch(statement, user)


def _arrays(asked: Sequence[Asked]) -> tuple[list[str], list[str], list[datetime | None]]:
    return [one.user_id for one in asked], [one.room for one in asked], [one.since for one in asked]
