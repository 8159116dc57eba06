"""What the index knows of a message, and what changes in a room."""

from __future__ import annotations

from typing import Protocol

import msgspec

from gateway.contract import StoredPush
from gateway.principal import Author
from modules.chat.pushes import EDITED


class Content(msgspec.Struct, frozen=True):
    """What the index reads of the data of a message, as sent or as edited."""

    text: str
    sent_at: int | None = None
    reply_to: int | None = None
    thread: int | None = None
    mentions: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """A message in its latest version. `seq` is that of the first one, and `at` is in milliseconds."""

    seq: int
    version: int
    room: str
    author: Author
    at: int
    content: Content

    @property
    def edited(self) -> bool:
        return self.version != self.seq


DECODER = msgspec.json.Decoder(Content)


def entry_of(push: StoredPush) -> Entry:
    """The entry of a push that is a message; raises msgspec.DecodeError for one that no version of chat wrote."""
    content = DECODER.decode(push.data)
    author = push.author or Author(id="", name="", role="")
    edited = push.push == EDITED.name and push.replaces is not None and content.sent_at is not None
    at = content.sent_at if edited and content.sent_at is not None else push.at
    return Entry(push.replaces or push.seq, push.seq, push.room, author, at, content)


class Gone(msgspec.Struct, frozen=True):
    """A message that was deleted or cleared. `mentioned`: it mentioned somebody."""

    seq: int
    room: str
    author_id: str
    thread: int | None
    mentioned: bool = False


class RoomChange(msgspec.Struct, frozen=True):
    """What one batch changed in a room. `changes` counts all changes of the room so far, and only rises.

    `sent` are messages that the index did not have, in their order; `edited` those that it had in an earlier version.
    """

    room: str
    changes: int
    sent: tuple[Entry, ...] = ()
    edited: tuple[Entry, ...] = ()
    gone: tuple[Gone, ...] = ()


class IndexObserver(Protocol):
    """Is told what changed in the rooms."""

    async def indexed(self, changes: tuple[RoomChange, ...]) -> None:
        """In the transaction that writes the index, after its rows. What it raises undoes the batch.

        The batch is then done again, so it may be told of the same change twice; rows that it writes are written once.
        """

    def written(self, changes: tuple[RoomChange, ...]) -> None:
        """When that transaction is committed; not when the process ends in between. It must not wait."""
