"""Context: one use of a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.contract.push_type import PushType, T
from gateway.contract.rooms import Rooms
from gateway.principal import Author, Principal
from gateway.protocol.messages import Published, Snapshot
from gateway.protocol.stored_push import StoredPush, Sweep


@dataclass(frozen=True, kw_only=True)
class Context:
    """One use of a command: who, where, in which role.

    What the room stored before `seen_from`, in milliseconds since the Unix epoch, is not for this user (`Granted`).
    """

    principal: Principal
    room: str
    room_id: str
    role: str
    roles: Sequence[str]
    nonce: str | None
    message_id: str
    rooms: Rooms = field(repr=False)
    seen_from: int = 0
    # What `afterwards` was given; the executor calls it.
    endings: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this when the transaction of a `row_first` command is over, however it ended.

        It must not wait. Nothing is lost with it that matters: the process may end before.
        """
        self.endings.append(call)

    async def publish(
        self,
        push: PushType[T],
        data: T,
        *,
        erases: Sequence[StoredPush] = (),
        replaces: StoredPush | None = None,
        sweeps: Sweep | None = None,
    ) -> Published:
        """Publish to this room as this user; repeated with the same nonce it happens once."""
        return await self.rooms.publish(
            self.room,
            push,
            data,
            author=Author.of(self.principal),
            nonce=self.nonce,
            message_id=self.message_id,
            erases=erases,
            replaces=replaces,
            sweeps=sweeps,
        )

    async def publish_row(self, push: PushType[T], entity: T) -> None:
        """The same for an entity whose row this transaction writes: see `Rooms.publish_row`."""
        await self.rooms.publish_row(self.room, push, entity, author=Author.of(self.principal), nonce=self.nonce)

    async def snapshot(self) -> Snapshot:
        """Every part of this room's state that a module declares in `snapshots`, as this member may see it.

        The room's position is taken first and the rows are read second: what was pushed up to `seq` is in it, and
        pushes after it are applied by their `rev`. Raises the KsmpErrors of the parts, such as Unavailable. A part that
        raises anything else is left out and named in `failed`.
        """
        return await self.rooms.snapshot(self)

    def at_least(self, role: str) -> bool:
        """Whether the member's role in this room is `role` or one above it."""
        return self.roles.index(self.role) >= self.roles.index(role)
