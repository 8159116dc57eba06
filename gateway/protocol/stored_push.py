"""The records of the room log: a durable push, and what erases one."""

from __future__ import annotations

import msgspec

from gateway.principal import Author


class Erased(msgspec.Struct, frozen=True, array_like=True):
    """A push that a tombstone took out of the log. Its id still deduplicates, since the log forgot it."""

    seq: int
    message_id: str


class Sweep(msgspec.Struct, frozen=True):
    """Every push of these names that a room stored before the tombstone; with `author`, only those of that user."""

    pushes: tuple[str, ...]
    author: str | None = None

    def covers(self, push: StoredPush) -> bool:
        """Whether it is of the kind that is swept, whenever it was stored."""
        if push.push not in self.pushes:
            return False
        return self.author is None or (push.author is not None and push.author.id == self.author)


class StoredPush(msgspec.Struct, frozen=True, kw_only=True):
    """A durable push as the log and the archive hold it.

    `data` is the JSON of the push's data; `at` is when it was stored, in milliseconds since the Unix
    epoch; `message_id` is what deduplicated it; `erases` names what this push is the tombstone of, `sweeps` describes
    it. A later version of a push says in `replaces` the seq of the first. One whose `push` is empty could not be read:
    it has a place in the log, and is shown to nobody.
    """

    room: str
    seq: int
    at: int
    push: str
    author: Author | None
    nonce: str | None
    data: bytes
    message_id: str
    erases: tuple[Erased, ...] = ()
    replaces: int | None = None
    sweeps: Sweep | None = None
