"""A part of a room's state, for who joins late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gateway.contract.declaration import declares

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True)
class SnapshotPart:
    """A part of the state of rooms of some kinds, as the registry reads it from a decorated method."""

    name: str
    rooms: Sequence[str]
    read: Callable[..., Awaitable[msgspec.Struct]]
    shared: bool = False
    given: str = ""


@dataclass(frozen=True, kw_only=True)
class SnapshotPartDeclaration:
    """The declaration that `@snapshot_part` leaves on a method."""

    name: str
    room: str | Collection[str]
    shared: bool
    given: str


R = TypeVar("R", bound="Callable[..., Awaitable[msgspec.Struct]]")


def snapshot_part(name: str, *, room: str | Collection[str], shared: bool = False, given: str = "") -> Callable[[R], R]:
    """Declare `async def method(self, context: Context)` a part of the snapshot of rooms of this kind, or of these.

    A late joiner gets all parts at once (`Context.snapshot`). `name` is `<module>.<what>`, the part's key in the
    snapshot. The method returns a struct with the part as this member may see it. It reads rows, in a few queries. It
    gives what applying every push of the room would give, so later pushes keep it up to date. What only some
    members may know belongs into a room of theirs.

    A `shared` part is the same for every member and changes by durable pushes of the room alone. It is read once, in
    nobody's transaction, for all who ask at about the same time, with the context of one of them.

    With `given`, the method is called with the value of that shared part of the room too, or None when it could not be
    read: `async def method(self, context, value)`. So a part need not ask for what the shared part shows to be empty. A
    part that is `given` the shared part of its own name completes it for this member.

    A KsmpError that the method raises, such as Unavailable, is the answer to the whole snapshot. Any other exception
    leaves this part out: the snapshot names it in `failed`, and the log has the traceback.
    """
    return declares(SnapshotPartDeclaration(name=name, room=room, shared=shared, given=given))
