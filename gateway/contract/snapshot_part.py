"""A part of a room's state, for who joins late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gateway.contract.context import Context


@dataclass(frozen=True, kw_only=True)
class SnapshotPart:
    """A part of the state of rooms of one kind, which a late joiner gets whole (`Context.snapshot`).

    `name` is `<module>.<what>`, the part's key in the snapshot. `read(context)` gives it as this member may see it:
    from rows, in a few queries, and as it would be after applying every push of the room, so that with the pushes
    that follow it becomes what a fresh one is. What only some members may know belongs into a room of theirs.

    One that is `shared` is the same for every member and changes by durable pushes of the room alone: it is read once,
    in nobody's transaction, for all who ask at about the same time, with the context of one of them.
    """

    name: str
    rooms: str
    read: Callable[[Context], Awaitable[msgspec.Struct]]
    shared: bool = False
