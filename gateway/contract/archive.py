"""RoomArchive: the archive of room logs, for a module that derives rows of its own from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from gateway.protocol.stored_push import StoredPush


class ArchiveSlice(msgspec.Struct, frozen=True):
    """Pushes of one kind of room, ascending. Nothing that is archived up to `until` is missing, but what was erased."""

    pushes: Sequence[StoredPush]
    until: int


class ArchiveFollower(Protocol):
    """Says when the archive has grown. There is one of each name at a time in the cluster."""

    async def wait(self, seconds: float) -> None:
        """Return when the archive has grown since the last wait, or after so many seconds.

        Raises Unavailable when another node may be the follower now.
        """


class RoomArchive(Protocol):
    """The archived pushes of all rooms.

    Each kind of room has one writer, which stores the pushes in the order of their `seq`. So whoever has handled all up
    to a seq never has to look back: what is erased later has a tombstone of its own, with a higher seq. The targets of
    a tombstone are gone already when it can be read.

    Each call but `follow` runs in the transaction around it, if there is one, and raises Unavailable.
    """

    def follow(self, name: str) -> AbstractAsyncContextManager[ArchiveFollower]:
        """Become the only follower of this name; waits while another node is. Raises Unavailable.

        It is a lock of a database connection. A node that lost it may not know yet: the row that holds the position
        should be locked in the transaction that moves it.
        """

    async def positions(self) -> Mapping[str, int]:
        """The newest seq that was archived, by kind of room."""

    async def after(self, kind: str, seq: int, limit: int) -> ArchiveSlice:
        """The next pushes of a kind above `seq`, at most `limit`."""

    async def found(self, seqs: Collection[int]) -> Mapping[int, StoredPush]:
        """Those of these pushes that are archived, by their own seq."""
