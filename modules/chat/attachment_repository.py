"""The rows of messages with files: every statement, and what it gives.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database


class Attachment(msgspec.Struct, frozen=True):
    """A message with files. `seq` is null until the log has answered, `gone_at` while the message is there."""

    message_id: str
    room: str
    author_id: str
    sent_at: datetime
    seq: int | None = None
    gone_at: datetime | None = None


COLUMNS: Final = ", ".join(Attachment.__struct_fields__)
# Whoever sends the same again finds the row of the first time, and holds it until the transaction ends.
CLAIM: Final = f"""
    INSERT INTO chat_attachment ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (message_id) DO UPDATE SET message_id = EXCLUDED.message_id RETURNING {COLUMNS}
"""  # noqa: S608
SETTLE: Final = "UPDATE chat_attachment SET seq = $2 WHERE message_id = $1 AND seq IS NULL"
FIND: Final = f"SELECT {COLUMNS} FROM chat_attachment WHERE message_id = $1"  # noqa: S608
END_ONE: Final = """
    UPDATE chat_attachment SET gone_at = $2 WHERE message_id = $1 AND gone_at IS NULL RETURNING message_id, room
"""
END: Final = """
    UPDATE chat_attachment SET gone_at = $5
    WHERE room = $1 AND seq BETWEEN $2 AND $3 AND ($4::text IS NULL OR author_id = $4) AND gone_at IS NULL
    RETURNING message_id, room
"""
UNSETTLED: Final = f"""
    SELECT {COLUMNS} FROM chat_attachment WHERE seq IS NULL AND gone_at IS NULL AND sent_at < $1
    ORDER BY sent_at LIMIT 50
"""  # noqa: S608
OF_AUTHOR: Final = "DELETE FROM chat_attachment WHERE author_id = $1 RETURNING message_id, room"


HOLDER: Final = "chat.message:"
SESSION: Final = "session:"


def holder_of(room: str, message_id: str) -> str:
    """What holds the files of a message.

    In the room of a session it has the session's id alone: so files were held before other rooms had chat.
    """
    return f"{HOLDER}{room.removeprefix(SESSION)}:{message_id}"


def named_by(holder: str) -> tuple[str, str]:
    """The room and the message of such a holder."""
    place, _, message_id = holder.removeprefix(HOLDER).rpartition(":")
    return place if ":" in place else f"{SESSION}{place}", message_id


class AttachmentRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, new: Attachment) -> Attachment:
        """Write the row of a message, or lock the one that is there; gives it as it is."""
        (row,) = await self._database.fetch(CLAIM, *msgspec.structs.astuple(new))
        return msgspec.convert(dict(row), Attachment)

    async def settle(self, message_id: str, seq: int) -> None:
        """The message is stored, as this seq."""
        await self._database.fetch(SETTLE, message_id, seq)

    async def find(self, message_id: str) -> Attachment | None:
        for row in await self._database.fetch(FIND, message_id):
            return msgspec.convert(dict(row), Attachment)
        return None

    async def end_one(self, message_id: str, at: datetime) -> list[str]:
        """The message is not there; gives what held its files."""
        return _holders(await self._database.fetch(END_ONE, message_id, at))

    async def end(self, room: str, first: int, last: int, author: str | None, at: datetime) -> list[str]:
        """The same for all messages of a room from `first` to `last`, or for those of one author."""
        return _holders(await self._database.fetch(END, room, first, last, author, at))

    async def unsettled(self, before: datetime) -> list[Attachment]:
        """Some messages that were about to be sent before then, of which nobody wrote whether they were."""
        rows = await self._database.fetch(UNSETTLED, before)
        return [msgspec.convert(dict(row), Attachment) for row in rows]

    async def forget(self, author: str) -> list[str]:
        """Delete the rows of a user; gives what held their files."""
        return _holders(await self._database.fetch(OF_AUTHOR, author))


def _holders(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [holder_of(row["room"], row["message_id"]) for row in rows]
