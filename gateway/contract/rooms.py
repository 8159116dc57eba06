"""Rooms: the rooms of the whole cluster, as a module sees them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from gateway.contract.push_type import PushType, T
from gateway.principal import Author
from gateway.protocol.messages import Person, Published, Snapshot
from gateway.protocol.stored_push import StoredPush, Sweep

if TYPE_CHECKING:
    from gateway.contract.context import Context


class MessageCount(msgspec.Struct, frozen=True):
    """How many messages a user said from `at` on; without an author, those of nobody."""

    author_id: str | None
    at: datetime
    count: int


class Rooms(Protocol):
    """The rooms of the whole cluster, as a module sees them."""

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of rooms that the modules of this gateway own; complete once all modules are built."""

    async def publish(
        self,
        room: str,
        push: PushType[T],
        data: T,
        *,
        author: Author | None = None,
        nonce: str | None = None,
        message_id: str | None = None,
        erases: Sequence[StoredPush] = (),
        replaces: StoredPush | None = None,
        sweeps: Sweep | None = None,
    ) -> Published:
        """Store a push in the room's log and send it to every member; return once it is stored.

        `push` is one that a feature of the module lists in `pushes`, and `data` its struct; all else is a ValueError.
        The same `message_id` within two minutes is stored once.

        With `erases` it is the tombstone of those pushes. Once it is stored they are erased from stream and archive,
        and no replay shows them again. With `replaces` it is a later version of that push. All versions before it are
        erased, so the new one has to say everything. With `sweeps`, in rooms that are archived, it is the tombstone of
        all that the sweep covers. Nobody is shown those any more, and they are erased in the background.

        Raises Unavailable when the log did not answer. The push may have been stored all the same.
        """

    async def publish_row(
        self,
        room: str,
        push: PushType[T],
        entity: T,
        *,
        author: Author | None = None,
        nonce: str | None = None,
    ) -> None:
        """Push an entity whose row this transaction writes, when it commits, and only then.

        The push's struct is the whole entity, with its revision as `rev: int`.

        Call it after the row was written. The pushes of one entity reach the room in the order of their commits; those
        of different entities may change places. Rarely one comes twice. Whoever applies them keeps the highest `rev`.
        Raises RuntimeError outside of a transaction, ValueError for one that is too large or has no `rev`, BadInput
        for a bad room, and Unavailable.
        """

    async def emit(self, room: str, push: PushType[T], data: T, *, author: Author | None = None) -> None:
        """Send an ephemeral push: at most once, and first to be dropped under pressure."""

    async def read(self, room: str, seq: int) -> StoredPush | None:
        """One push of the room, or its latest version, from memory, stream or archive.

        None when there is none or it was erased. Raises Unavailable.
        """

    async def recent(self, room: str, limit: int, types: Sequence[str]) -> Sequence[StoredPush]:
        """The room's newest pushes of these names, ascending, without what was erased; raises Unavailable."""

    async def history(self, room: str, before: int, limit: int) -> tuple[Sequence[StoredPush], bool]:
        """The room's newest `limit` pushes with a seq below `before`, ascending, and whether there are older ones.

        From memory, stream or archive, without what was erased; what is very large may make a page shorter. Raises
        Unavailable.
        """

    async def snapshot(self, context: Context) -> Snapshot:
        """See `Context.snapshot`."""

    async def count_messages(self, room: str, since: datetime, until: datetime) -> int:
        """How many durable pushes that modules declare as messages were stored in this time and not erased.

        `PushType(…, is_message=True)` declares one. Counted in the archive, which follows the log by a moment. Raises
        ValueError for a kind that is not archived, and Unavailable.
        """

    async def messages_by_author(
        self, room: str, since: datetime, until: datetime, every: timedelta
    ) -> Sequence[MessageCount]:
        """The same messages, by author and by time: each `at` is a multiple of `every` since the Unix epoch."""

    async def members(self, room: str) -> Sequence[Person]:
        """Who is in the room, by id, over all nodes: as this node has heard, which may be a second old.

        Raises ValueError for a kind without presence, and Unavailable.
        """

    async def occupied(self, rooms: Collection[str]) -> Collection[str]:
        """Those of these rooms that somebody is in, on whatever node.

        The nodes are asked, which takes a fifth of a second. One that does not answer in time has nobody in them. A
        user who is connected is in their own room. Raises Unavailable.
        """

    async def restrict(
        self, room: str, user: str, commands: Collection[str], until: datetime | None, *, name: str = "restriction"
    ) -> None:
        """Take commands away from a user in a room, on every node, until a time or until it is lifted.

        The handler does not run. The user is answered `forbidden`, or the restriction's name when it has a dot and is
        an error code of the module (`chat.muted`). The answer has `retry_after` when the restriction ends by itself.
        The push `can` tells the user when it begins and ends. It survives restarts, and needs no membership. `commands`
        are module commands of this kind of room, or `typing`. A restriction of the same name is replaced. Others stay:
        a command can be used when no restriction takes it away.

        Returns when it is recorded and holds here; within a second it holds everywhere. Inside a transaction it is
        recorded when that commits, and holds a moment later. Raises ValueError for a command that these rooms do not
        have, and for a time without a zone. Raises BadInput for a bad room or user. Raises Unavailable, after which it
        may have been recorded.
        """

    async def lift(self, room: str, user: str, *, name: str = "restriction") -> None:
        """Give back what the restriction of this name took away; one that is not there is no error."""

    async def evict(
        self, room: str, user: str, code: str, *, rejoin: bool = False, until: datetime | None = None
    ) -> None:
        """Take a user out of a room on every node; their connections are pushed `left` with `code` and `rejoin`.

        Without `rejoin` they are refused there, with `forbidden`, until the time or until `readmit`. Whoever comes
        back is granted anew by the room's owner. What it raises and when it returns is as with `restrict`.
        """

    async def readmit(self, room: str, user: str) -> None:
        """Let a user in again who was evicted; one who was not is no error."""

    def check(self, room: str, user: str) -> None:
        """Raises Refused for who was evicted and may not come back, as this node has heard."""
