"""What a search answers."""

from __future__ import annotations

import msgspec

from gateway.principal import Author
from modules.chat.pushes import Post


class FoundMessage(msgspec.Struct, frozen=True):
    """A message as it reads now, its room, and the root of its thread if it answers in one."""

    room: str
    message: Post
    thread: int | None = None


class FoundMessages(msgspec.Struct, frozen=True):
    """Messages that were found, the newest first. `next` is the `before` of the next page; null on the last."""

    items: tuple[FoundMessage, ...]
    next: int | None

    @classmethod
    def example(cls) -> FoundMessages:
        post = Post(991, 1795332205001, Author("ann", "Ann", "student"), "Where is the homework?")
        return cls((FoundMessage("program:algebra", post),), None)
