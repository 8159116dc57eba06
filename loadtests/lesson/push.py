"""Pushes: the part of each that a participant needs."""

from __future__ import annotations

import functools
import time

import msgspec

MARK = "@"


class Text(msgspec.Struct):
    text: str = ""


class Push(msgspec.Struct):
    """`seq` is 0 for a push that is not stored."""

    push: str
    seq: int = 0
    prev: int = 0
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Stamp(msgspec.Struct, frozen=True):
    """The position of a push in its room, and when it was sent; 0 when it does not say."""

    push: str
    seq: int
    prev: int
    sent_at: float


@functools.lru_cache(maxsize=64)
def read(payload: bytes) -> Stamp:
    """Decode a push, once for each message: all members get the same bytes."""
    return stamp(msgspec.json.decode(payload, type=Push))


def stamp(push: Push) -> Stamp:
    sent_at = 0.0
    if push.push == "chat.message":
        text = msgspec.json.decode(push.data, type=Text).text
        if text.startswith(MARK):
            sent_at = float(text[1:].partition(" ")[0])
    return Stamp(push.push, push.seq, push.prev, sent_at)


def text(size: int) -> str:
    """A chat text of `size` characters that carries the time of sending."""
    return f"{MARK}{time.time():.6f} ".ljust(size, "x")
