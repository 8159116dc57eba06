"""What decides whom a message concerns and whether they still have to hear of it.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gateway.contract import Database

# Who wrote the root of a thread, another reply to it, or the message that is answered.
CONCERNED: Final = """
    SELECT DISTINCT author_id FROM chat_message
    WHERE room = $1 AND (seq = $2 OR seq = $3 OR thread = $2) AND author_id <> $4 AND author_id <> ''
"""
# Those who have not read as far. Of a message that is gone nobody has to hear.
UNREAD_BY: Final = """
    SELECT asked.id FROM unnest($3::text[]) AS asked (id)
    WHERE EXISTS (SELECT FROM chat_message WHERE room = $1 AND seq = $2)
    AND NOT EXISTS (SELECT FROM chat_read WHERE room = $1 AND user_id = asked.id AND chat_read.seq >= $2)
"""


class NoticeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def concerned(self, room: str, thread: int | None, answered: int | None, author: str) -> list[str]:
        """Who takes part in a thread, and who wrote the message that is answered; without the author of the reply."""
        rows = await self._database.fetch(CONCERNED, room, thread, answered, author)
        return [row["author_id"] for row in rows]

    async def unread_by(self, room: str, seq: int, users: Collection[str]) -> list[str]:
        """Those of these users who have not read the message; nobody when it is gone."""
        return [row["id"] for row in await self._database.fetch(UNREAD_BY, room, seq, list(users))]
