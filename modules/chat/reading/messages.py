"""What clients say of their reading, and what they are told of it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.principal import Author
from gateway.protocol.names import MAX_ID


class Read(msgspec.Struct, frozen=True):
    """`chat.read` and `PUT /rooms/{room}/read`: the seq of the newest message of the room that the user has seen."""

    seq: Annotated[int, Meta(ge=0, le=MAX_ID)]

    @classmethod
    def example(cls) -> Read:
        return cls(991)


class AskUnread(msgspec.Struct, frozen=True):
    """`chat.unread` carries no data."""


class Unread(msgspec.Struct, frozen=True):
    """`chat.unread`: what a user has not read in a room, counted by the server.

    `seq` is up to where they have read, on whatever device. `unread` are others' messages after it, `mentions` those
    that mention the user. With `more` there are more than `unread` says. The highest `rev` is the newest.
    """

    room: str
    unread: int
    mentions: int
    seq: int
    rev: int
    more: bool = False

    @classmethod
    def example(cls) -> Unread:
        return cls("program:algebra", 3, 1, 991, 42)


UNREAD: Final = PushType("chat.unread", Unread)


class LastMessage(msgspec.Struct, frozen=True, rename={"author": "from"}):
    """The newest message of a room, `at` in milliseconds. `text` is its beginning."""

    seq: int
    at: int
    author: Author | None
    text: str


class RoomSummary(msgspec.Struct, frozen=True):
    """A room as a list of rooms shows it. Without a message `last` is null.

    `muted` says that the user hears nothing of the room: what is unread there is shown without calling for them.
    """

    room: str
    unread: int
    mentions: int
    seq: int
    rev: int
    more: bool
    last: LastMessage | None
    muted: bool = False

    @classmethod
    def example(cls) -> RoomSummary:
        last = LastMessage(994, 1795332205001, Author("ann", "Ann", "student"), "Where is the homework?")
        return cls("program:algebra", 3, 1, 991, 42, False, last)


class UnreadSummary(msgspec.Struct, frozen=True):
    """The rooms that the user may read, the one with the newest message first. `more`: there are others."""

    items: tuple[RoomSummary, ...]
    more: bool

    @classmethod
    def example(cls) -> UnreadSummary:
        return cls((RoomSummary.example(),), False)
