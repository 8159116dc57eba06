"""A record of the room log: its subjects, its payload, and its place in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.principal import Author
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import Erased, StoredPush, Sweep

log = structlog.get_logger(__name__)

STREAM: Final = "ROOMS"
IN: Final = "rooms.in."
OUT: Final = "rooms.out."
POKE: Final = "rooms.poke."
PRESENCE: Final = "rooms.presence."

MESSAGE_ID: Final = "Nats-Msg-Id"
SEQUENCE: Final = "Nats-Sequence"
LAST_SEQUENCE: Final = "Nats-Last-Sequence"
SUBJECT: Final = "Nats-Subject"
TIME: Final = "Nats-Time-Stamp"


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"author": "from"}):
    """The payload of a record. Its place in the log is in its headers."""

    push: str
    author: Author | None = None
    nonce: str | None = None
    data: msgspec.Raw
    erases: tuple[Erased, ...] = ()
    replaces: int | None = None
    sweeps: Sweep | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Payload).decode


def subject(prefix: str, room: RoomName) -> str:
    return f"{prefix}{room.kind}.{room.id}"


def room_of(subject: str) -> str:
    """The room that a subject is about, whichever prefix it has."""
    _, _, kind, id = subject.split(".", 3)
    return f"{kind}:{id}"


def encode_payload(
    push: str,
    data: bytes,
    *,
    author: Author | None = None,
    nonce: str | None = None,
    erases: tuple[Erased, ...] = (),
    replaces: int | None = None,
    sweeps: Sweep | None = None,
) -> bytes:
    body = msgspec.Raw(data)
    return _encode(
        Payload(push=push, author=author, nonce=nonce, data=body, erases=erases, replaces=replaces, sweeps=sweeps)
    )


def decode_record(body: bytes, *, room: str, seq: int, at: int, message_id: str) -> StoredPush:
    """A stored push. Bytes that are no payload give a push without a name, which still has its place in the log."""
    try:
        value = _decode(body)
    except msgspec.DecodeError as error:
        log.error("log.unreadable", room=room, seq=seq, error=str(error))
        value = Payload(push="", data=msgspec.Raw(b"null"))
    return StoredPush(
        room=room,
        seq=seq,
        at=at,
        push=value.push,
        author=value.author,
        nonce=value.nonce,
        data=bytes(value.data),
        message_id=message_id,
        erases=value.erases,
        replaces=value.replaces,
        sweeps=value.sweeps,
    )


def from_headers(body: bytes, headers: Mapping[str, str]) -> StoredPush:
    """A stored push as RePublish and direct gets deliver it."""
    return decode_record(
        body,
        room=room_of(headers[SUBJECT]),
        seq=int(headers[SEQUENCE]),
        at=milliseconds(headers[TIME]),
        message_id=headers.get(MESSAGE_ID, ""),
    )


def milliseconds(timestamp: str) -> int:
    """An RFC 3339 time with up to nanoseconds as milliseconds since the Unix epoch."""
    whole, dot, fraction = timestamp.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1000 + (int(fraction[:3].ljust(3, "0")) if dot else 0)
