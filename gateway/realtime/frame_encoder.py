"""Encodes messages into WebSocket frames. Members with the same codec and compression share one frame."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, Protocol

import msgspec

from gateway.protocol.codec import Codec
from gateway.protocol.frames import BINARY, COMPRESSED, TEXT, frame
from gateway.protocol.messages import Push
from gateway.protocol.stored_push import StoredPush

# Every member that takes compressed frames has agreed to a compression window of at least this size.
WINDOW_BITS: Final = 12
# The end of every compressed message, which permessage-deflate leaves out (RFC 7692, section 7.2.1).
TRAILER: Final = b"\x00\x00\xff\xff"


class FrameEncoder(Protocol):
    """Encodes messages for a client. Clients that need the same bytes share one encoder."""

    @property
    def codec(self) -> Codec: ...

    def frame(self, message: Any) -> bytes:
        """A message of a room, for every member that shares this encoder."""

    def plain(self, message: Any) -> bytes:
        """A message for one client alone."""


class WebSocketEncoder:
    """Encodes for WebSockets of one codec, with or without compression; implements `FrameEncoder`."""

    __slots__ = ("_least", "_opcode", "codec")

    def __init__(self, codec: Codec, least: int | None) -> None:
        """`least` is the size from which a message is compressed, None for never."""
        self.codec = codec
        self._opcode = TEXT if codec.text else BINARY
        self._least = least

    def frame(self, message: Any) -> bytes:
        """The message inside one WebSocket frame."""
        payload = self.codec.encode(message)
        if self._least is None or len(payload) < self._least:
            return frame(self._opcode, payload)
        # Without context takeover each message is compressed by itself, so the frame fits every connection.
        deflate = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, -WINDOW_BITS)
        body = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
        return frame(self._opcode | COMPRESSED, body.removesuffix(TRAILER))

    def plain(self, message: Any) -> bytes:
        """The message inside one frame, never compressed. Compression does not pay for a single client."""
        return frame(self._opcode, self.codec.encode(message))


@cache
def websocket_encoder(codec: Codec, least: int | None) -> WebSocketEncoder:
    """The shared encoder of this codec and size; there is one in the process."""
    return WebSocketEncoder(codec, least)


def replay(codec: Codec, pushes: Iterable[StoredPush], prev: int) -> list[Push]:
    """Pushes for one member. Each names the push before it; the first names `prev`."""
    result: list[Push] = []
    for push in pushes:
        result.append(wire(push, codec, prev))
        prev = push.seq
    return result


def wire(push: StoredPush, codec: Codec, prev: int) -> Push:
    """A stored push as it travels in this codec."""
    return Push(
        push=push.push,
        room=push.room,
        seq=push.seq,
        prev=prev,
        at=push.at,
        author=push.author,
        nonce=push.nonce,
        data=msgspec.Raw(push.data) if codec.text else msgspec.json.decode(push.data),
    )
