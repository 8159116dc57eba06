"""What clients are told of threads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.contract import PushType
from gateway.principal import Author
from modules.chat.pushes import Post

MADE: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class ThreadTally(msgspec.Struct, frozen=True):
    """`chat.thread`: how many replies the message `seq` has, and when the newest came; null without any."""

    seq: int
    replies: int
    last_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> ThreadTally:
        return cls(991, 3, MADE, 3)


THREAD: Final = PushType("chat.thread", ThreadTally)


class NewestThreads(msgspec.Struct, frozen=True):
    """A part of the snapshot: the threads with the newest replies, the newest first."""

    threads: tuple[ThreadTally, ...]


class ThreadView(msgspec.Struct, frozen=True):
    """A thread with its root, which is null when the message is gone and its replies are not."""

    seq: int
    root: Post | None
    replies: int
    last_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> ThreadView:
        return cls(991, _post(991, "Who has solved 4b?"), 3, MADE, 3)


class ThreadPage(msgspec.Struct, frozen=True):
    """A thread and one page of its replies by seq; `next` is the cursor of the page after it, null on the last."""

    thread: ThreadView
    items: list[Post]
    next: str | None

    @classmethod
    def example(cls) -> ThreadPage:
        reply = msgspec.structs.replace(_post(994, "I did: factor out x first."), thread=991)
        return cls(ThreadView.example(), [reply], None)


def _post(seq: int, text: str) -> Post:
    at = int(MADE.timestamp() * 1000)
    return Post(seq=seq, at=at, author=Author(id="u7", name="Asha", role="student"), text=text)
