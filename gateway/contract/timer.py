"""A kind of timer, and its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from gateway.contract.declaration import declares
from gateway.contract.delivery import Delivery, Handler


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A kind of timer, as the registry reads it from a decorated method."""

    name: str
    payload: type[msgspec.Struct]
    handler: Handler


@dataclass(frozen=True, kw_only=True)
class TimerDeclaration:
    """The declaration that `@timer` leaves on a method."""

    name: str


W = TypeVar("W", bound=Callable[[Any, Any, Delivery], Awaitable[None]])


def timer(name: str) -> Callable[[W], W]:
    """Declare `async def method(self, payload: SomeStruct, delivery: Delivery)` the handler of timers of this name.

    It gets what `kernel.schedules.at(name, …)` scheduled, when that is due. `name` is `<module>.<what>`. The promises
    are a listener's: inside a transaction, once, on one node, tried again when it raises. A timer that was cancelled or
    rescheduled before its handler committed does not happen.
    """
    if not isinstance(name, str):
        # Bare, the decorator would take the method for the name, and there would be no timer.
        raise TypeError('@timer needs a name, such as @timer("quiz.close")')
    return declares(TimerDeclaration(name=name))
