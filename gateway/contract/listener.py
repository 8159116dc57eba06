"""A listener to events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from gateway.contract.declaration import declares
from gateway.contract.delivery import Delivery, Handler


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A listener, as the registry reads it from a decorated method."""

    event: type[msgspec.Struct]
    name: str
    handler: Handler
    transactional: bool = True


@dataclass(frozen=True, kw_only=True)
class ListenerDeclaration:
    """The declaration that `@listener` leaves on a method."""

    event: type[msgspec.Struct]
    name: str
    transactional: bool


L = TypeVar("L", bound=Callable[[Any, Any, Delivery], Awaitable[None]])


def listener(event: type[msgspec.Struct], name: str, *, transactional: bool = True) -> Callable[[L], L]:
    """Declare `async def method(self, event: SomeEvent, delivery: Delivery)` the handler of events of one type.

    `event` is a struct that this module, or one it `requires` or `hears`, lists in `emits`. `name` is
    `<module>.<what>`. The listener's place is kept under it, so a renamed listener is a new one. A listener gets what
    is published from its first start on (and in the minute before), on one node at a time, in no promised order.

    The method runs inside a database transaction, which also remembers that the event was handled: what it writes,
    publishes and schedules happens once, together with that, or not at all. What it does elsewhere may happen more
    than once. When it raises, it is tried again later, at growing intervals; after `KSMP_EVENT_ATTEMPTS` tries the
    event becomes a dead letter (`ksmp events dead`). While PostgreSQL or NATS are away no try is counted.

    A listener that calls a vendor is not `transactional`, because a vendor may hang. It runs without a transaction and
    holds neither a database connection nor a slot of the others while it waits. That the event was handled is written
    afterwards. So all that it does may happen more than once, and must then come to the same.
    """
    return declares(ListenerDeclaration(event=event, name=name, transactional=transactional))
