"""A command of a module, and how often it may be used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gateway.contract.declaration import declares

if TYPE_CHECKING:
    from gateway.contract.context import Context


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `count` uses in `seconds` by one connection; all of them may come at once."""

    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A command of members, as the registry reads it from a decorated method.

    `rooms` has the kinds of rooms in which it is used, each with the least role that may use it there.
    """

    name: str
    rooms: Mapping[str, str]
    request: type[msgspec.Struct]
    handler: Callable[[Context, Any], Awaitable[msgspec.Struct | None]]
    rate: Rate | None = None
    row_first: bool = False


@dataclass(frozen=True, kw_only=True)
class CommandDeclaration:
    """The declaration that `@command` leaves on a method."""

    name: str
    room: str | Mapping[str, str]
    role: str | None
    rate: str | Rate | None
    row_first: bool


H = TypeVar("H", bound="Callable[[Any, Context, Any], Awaitable[msgspec.Struct | None]]")


def command(
    name: str,
    *,
    room: str | Mapping[str, str],
    role: str | None = None,
    rate: str | Rate | None = None,
    row_first: bool = False,
) -> Callable[[H], H]:
    """Declare `async def method(self, context: Context, request: SomeStruct)` a command, `<module>.<verb>`.

    `room` is the kind of room it is used in, and `role` the least role of that kind that may use it: the kernel answers
    `forbidden` before the method runs. The annotation of the last parameter says what the command's data must be; other
    data is answered `invalid`. What the method returns is the ok of the reply: a struct, or None.

    A command of several kinds of rooms says the least role of each: `room={"session": "viewer", "program": "student"}`,
    and no `role`. `context.room` then says in which room it is used.

    `rate` limits each connection: `rate="hand_rate"` reads the module's settings `hand_rate_count` and
    `hand_rate_seconds`. More is answered `rate_limited`.

    A `row_first` command runs inside a database transaction, which also remembers what it answered: what it writes,
    publishes and schedules happens once, and a repeat with the same nonce within two minutes gets the same answer with
    `duplicate`. When it raises, nothing has happened, and a repeat is another try.
    """
    return declares(CommandDeclaration(name=name, room=room, role=role, rate=rate, row_first=row_first))
