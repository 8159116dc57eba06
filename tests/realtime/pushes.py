"""Makes stored pushes as the log would hold them, and reads what a member was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.contract import Erased, StoredPush, Sweep
from gateway.principal import Author, Principal, Role
from gateway.protocol.codec import Codec
from gateway.protocol.names import RoomName
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.member import Member

ROOM = RoomName("session", "1")
AUTHOR = Author("u1", "Uma", "student")


def stored(
    seq: int,
    text: str = "",
    *,
    at: int = 0,
    id: str | None = None,
    erases: Iterable[StoredPush] = (),
    replaces: StoredPush | None = None,
    sweeps: Sweep | None = None,
    author: Author = AUTHOR,
    push: str = "",
) -> StoredPush:
    """A message. With `erases` or `sweeps` it is a tombstone, with `replaces` a later version of a message."""
    dead = [*erases, *([replaces] if replaces is not None else [])]
    targets = tuple(erased for one in dead for erased in (*one.erases, Erased(one.seq, one.message_id)))
    name = "chat.edited" if replaces is not None else "chat.deleted" if targets or sweeps else "chat.message"
    return StoredPush(
        room=str(ROOM),
        seq=seq,
        at=at or 1_800_000_000_000 + seq,
        push=push or name,
        author=author,
        nonce=None,
        data=msgspec.json.encode({"text": text or f"message {seq}"}),
        message_id=f"id-{seq}" if id is None else id,
        erases=targets,
        replaces=None if replaces is None else replaces.replaces or replaces.seq,
        sweeps=sweeps,
    )


def unreadable(seq: int) -> StoredPush:
    """A record whose bytes were no payload: it has a place in the log, and is not shown."""
    return msgspec.structs.replace(stored(seq), push="", data=b"null")


class Recorder:
    """A sink that keeps its bytes, and reads the frames in them as a client does."""

    fast_write: Callable[[bytes], None] | None = None

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unread = 0
        self.closed: tuple[int, str] | None = None
        self._client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._client.receive_data(data)
        assert self._client.parser_exc is None

    def buffered(self) -> int:
        return self.unread

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def messages(self, codec: Codec) -> list[dict[str, Any]]:
        """The messages written since the last call."""
        frames = [event for event in self._client.events_received() if isinstance(event, Frame)]
        assert all(frame.opcode is (Opcode.TEXT if codec.text else Opcode.BINARY) for frame in frames)
        return [codec.decode(bytes(frame.data)) for frame in frames]


def member(id: str, codec: Codec, *, soft: int = 10_000, hard: int = 100_000) -> tuple[Member, Recorder]:
    sink = Recorder()
    connected = Member(id, websocket_encoder(codec, None), sink, soft=soft, hard=hard, spread=5.0)
    connected.principal = Principal(id=id, name=id.upper(), role=Role.STUDENT, expires_at=2**50)
    return connected, sink
