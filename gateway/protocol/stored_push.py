"""Durable pushes as the room log stores them, and the tombstones that erase them."""

from __future__ import annotations

import msgspec

from gateway.principal import Author


class Erased(msgspec.Struct, frozen=True, array_like=True):
    """A push that a tombstone erased. The log no longer knows its message id, so the tombstone carries it for dedup."""

    seq: int
    message_id: str


class Sweep(msgspec.Struct, frozen=True):
    """Erases every push of these names that the room stored before the tombstone; with `author`, only that user's."""

    pushes: tuple[str, ...]
    author: str | None = None

    def covers(self, push: StoredPush) -> bool:
        """Whether the push has a swept name and author. The caller compares the places in the log."""
        if push.push not in self.pushes:
            return False
        return self.author is None or (push.author is not None and push.author.id == self.author)


class StoredPush(msgspec.Struct, frozen=True, kw_only=True):
    """A durable push as the log and the archive hold it.

    `data` is the JSON of the push's data. `at` is when it was stored, in milliseconds since the Unix epoch.
    `message_id` is the id that the log deduplicates by. `erases` lists the pushes that this push is the tombstone of;
    `sweeps` describes them instead. In a later version of a push, `replaces` is the seq of the first version. An empty
    `push` means that the record could not be read: it has a place in the log and is shown to nobody.
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
