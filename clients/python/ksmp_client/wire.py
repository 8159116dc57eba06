"""Encoding and decoding of the protocol's messages, in either codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from ksmp_client.errors import CommandFailed
from ksmp_client.messages import Author, ErrorBody, JoinResult, Push, User

CodecName = Literal["json", "msgpack"]

# In bytes. By the protocol a replay takes at most 512 KiB; the fields around it come on top.
LARGEST_MESSAGE: Final = 4 * 1024 * 1024


class Incoming(msgspec.Struct, frozen=True, kw_only=True, rename={"author": "from"}):
    """Any message of a gateway. A reply has `id` and `ok` or `error`; a push has `push` and the other fields."""

    id: int | None = None
    ok: Any = None
    error: ErrorBody | None = None
    push: str = ""
    room: str | None = None
    seq: int | None = None
    prev: int | None = None
    at: int | None = None
    author: Author | None = None
    nonce: str | None = None
    data: Any = None

    def as_push(self) -> Push:
        return msgspec.convert(self, Push, from_attributes=True)


class RoomOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one room of a `connect`: an error, `deferred`, or else the fields of a join result."""

    error: ErrorBody | None = None
    deferred: bool = False


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """The ok of `connect`. `outcome` reads each of the `rooms`. Times are in milliseconds.

    An event stream brings only the rooms. The client fills in what else it knows.
    """

    connection: str = ""
    user: User | None = None
    server_time: int = 0
    expires_at: int = 0
    limits: dict[str, int | float] = {}
    rooms: dict[str, Any] = {}


class Wire:
    """One codec: turns a message into the payload of a WebSocket message, and back."""

    def __init__(self, codec: CodecName) -> None:
        self.text: Final = codec == "json"
        self.subprotocol: Final = f"ksmp.v1.{codec}"
        self.encode: Callable[[Any], bytes]
        self._decode: Callable[[bytes], Incoming]
        if codec == "json":
            self.encode = msgspec.json.Encoder().encode
            self._decode = msgspec.json.Decoder(Incoming).decode
        else:
            self.encode = msgspec.msgpack.Encoder().encode
            self._decode = msgspec.msgpack.Decoder(Incoming).decode

    def decode(self, data: bytes) -> Incoming:
        """Raises msgspec.DecodeError when the bytes are not a message of the protocol."""
        try:
            return self._decode(data)
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(str(error)) from error


def outcome(value: Any) -> JoinResult | RoomOutcome:
    """Read one entry of the `rooms` of a `connect`. Raises msgspec.ValidationError."""
    found = msgspec.convert(value, RoomOutcome)
    return found if found.error is not None or found.deferred else msgspec.convert(value, JoinResult)


def failure(body: ErrorBody) -> CommandFailed:
    """The error of a reply as an exception."""
    return CommandFailed(body.code, body.message, body.temporary, body.retry_after)
