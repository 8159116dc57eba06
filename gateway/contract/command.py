"""A command of a module, and how often it may be used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gateway.contract.context import Context


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `count` uses in `seconds` by one connection, all of which may come at once."""

    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of members in rooms of one kind.

    `role` is the least role of the room kind that may use it: the kernel answers `forbidden` before the
    handler runs. `handler(context, request)` returns the ok of the reply. `rate` is asked when a command
    is first used in a room, so that it may come from the module's settings.

    The handler of a `row_first` command runs inside a database transaction, which also remembers what it answered: what
    it writes, publishes and schedules happens once, and a repeat with the same nonce within two minutes gets the same
    answer with `duplicate`. When it raises, nothing has happened, and a repeat is another try.
    """

    name: str
    rooms: str
    role: str
    request: type[msgspec.Struct]
    handler: Callable[[Context, Any], Awaitable[msgspec.Struct | None]]
    rate: Callable[[], Rate] | None = None
    row_first: bool = False
