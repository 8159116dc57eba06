"""The messages of the protocol that a client reads and writes, as structs.

They are the client's own, written from the protocol's page. A field that a newer server adds is ignored.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Position(msgspec.Struct, frozen=True):
    """A place in a room's log: `epoch` names the life of the log, `seq` the last message seen in it."""

    epoch: str
    seq: int


class Author(msgspec.Struct, frozen=True):
    """The `from` of a push."""

    id: str
    name: str
    role: str


class User(msgspec.Struct, frozen=True):
    """The user that the client's token names."""

    id: str
    name: str
    role: str


class Push(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"author": "from"}):
    """A message to the members of a room.

    A durable push carries `seq` and `prev`, an ephemeral one neither. `at` is in milliseconds since the Unix epoch.
    """

    push: str
    room: str | None = None
    seq: int | None = None
    prev: int | None = None
    at: int | None = None
    author: Author | None = None
    nonce: str | None = None
    data: Any


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a command failed. `temporary`: the same command may succeed later, after `retry_after` seconds."""

    code: str
    message: str
    temporary: bool | None = None
    retry_after: float | None = None


class JoinResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ok of `join`. `seq` is the position after this reply; `recovered` is absent when the join had no `since`."""

    room: str
    epoch: str
    seq: int
    recovered: bool | None = None
    messages: list[Push]
    members: int
    can: list[str]


class RefreshResult(msgspec.Struct, frozen=True):
    """The ok of `refresh`; milliseconds since the Unix epoch."""

    expires_at: int


class HistoryResult(msgspec.Struct, frozen=True):
    """The ok of `history`: a page of messages, ascending. `more`: there are older ones."""

    messages: list[Push]
    more: bool


class CanData(msgspec.Struct, frozen=True):
    """The data of the `can` push: what this member may do in the room from now on."""

    push: ClassVar[str] = "can"

    can: list[str]


class LeftData(msgspec.Struct, frozen=True):
    """The data of the `left` push: the server took this connection out of the room."""

    push: ClassVar[str] = "left"

    code: str
    rejoin: bool = False


class Disconnect(msgspec.Struct, frozen=True):
    """The data of the `disconnect` push, which comes just before the server closes."""

    push: ClassVar[str] = "disconnect"

    code: int
    reason: str
    reconnect: bool
    retry_ms: int
