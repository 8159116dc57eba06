"""The rows of threads: every statement, and what it gives. They are counted from the rows of the index.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from piccolo.query import Select

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.chat.tables import MessageRow, ThreadRow
from modules.chat.threads.messages import ThreadTally

# A tally that says what it said before has no new revision. The index has one writer, so nobody counts meanwhile.
COUNT: Final = """
    INSERT INTO chat_thread AS thread (room, seq, replies, last_at, rev)
    SELECT $1, root, count(message.seq), max(message.at), 1 FROM unnest($2::bigint[]) AS root
    LEFT JOIN chat_message AS message ON message.room = $1 AND message.thread = root
    GROUP BY root ORDER BY root
    ON CONFLICT (room, seq) DO UPDATE
    SET replies = EXCLUDED.replies, last_at = EXCLUDED.last_at, rev = thread.rev + 1
    WHERE (thread.replies, thread.last_at) IS DISTINCT FROM (EXCLUDED.replies, EXCLUDED.last_at)
    RETURNING seq, replies, last_at, rev, EXISTS (SELECT FROM chat_message WHERE seq = thread.seq) AS rooted
"""
FIND: Final = "SELECT seq, replies, last_at, rev FROM chat_thread WHERE room = $1 AND seq = $2"
NEWEST_OF: Final = """
    SELECT seq, replies, last_at, rev FROM chat_thread WHERE room = $1 AND replies > 0
    ORDER BY last_at DESC, seq DESC LIMIT $2
"""
VERSIONS: Final = "SELECT seq, version FROM chat_message WHERE room = $1 AND seq = ANY($2::bigint[])"
NEWEST: Final = Sort("newest", (ThreadRow.last_at, ThreadRow.seq), descending=True)
IN_ORDER: Final = Sort("thread", (MessageRow.seq,))


class Reply(msgspec.Struct, frozen=True):
    """A message of the index: the seq as it was first sent, and that of its latest version."""

    seq: int
    version: int


class ThreadRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, room: str, roots: Collection[int]) -> list[ThreadTally]:
        """Count the replies of these messages anew; gives the tallies that have changed.

        A thread of which nothing is left is none of them: who clears a room clears many at once.
        """
        rows = await self._database.fetch(COUNT, room, sorted(roots))
        left = (_tally(row) for row in rows if row["replies"] or row["rooted"])
        return sorted(left, key=lambda one: one.seq)

    async def find(self, room: str, seq: int) -> ThreadTally | None:
        for row in await self._database.fetch(FIND, room, seq):
            return _tally(row)
        return None

    async def newest(self, room: str, limit: int) -> tuple[ThreadTally, ...]:
        """The threads with the newest replies, the newest first."""
        return tuple(_tally(row) for row in await self._database.fetch(NEWEST_OF, room, limit))

    async def page(self, room: str, span: Span) -> Page[ThreadTally]:
        """The room's threads that have replies, the one with the newest reply first."""
        query: Select[Any] = ThreadRow.select().where(ThreadRow.room == room, ThreadRow.replies > 0)
        with self._database.guard():
            return await page_of(query, NEWEST, span, ThreadTally)

    async def replies(self, room: str, root: int, span: Span) -> Page[Reply]:
        """The replies of a thread, the oldest first."""
        query: Select[Any] = MessageRow.select().where(MessageRow.room == room, MessageRow.thread == root)
        with self._database.guard():
            return await page_of(query, IN_ORDER, span, Reply)

    async def versions(self, room: str, seqs: Sequence[int]) -> dict[int, int]:
        """The seq of the latest version of each of these messages; those that are gone are left out."""
        rows = await self._database.fetch(VERSIONS, room, list(seqs))
        return {row["seq"]: row["version"] for row in rows}


def _tally(row: Any) -> ThreadTally:
    return msgspec.convert(dict(row), ThreadTally)
