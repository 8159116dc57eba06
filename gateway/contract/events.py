"""Events: facts that other modules may listen to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec


def event_name(event: type[msgspec.Struct]) -> str:
    """The name of an event on the wire, `<module>.<WhatHappened>`: its tag, empty when it has none."""
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) else ""


@dataclass(frozen=True, kw_only=True)
class EventObserver:
    """Contributed by a module that must know of events in the order in which they happen, whoever publishes them.

    `observe` is called for each event inside the transaction that publishes it, before it is known whether that
    commits. So it writes rows and does nothing else: what it raises, the publisher raises. A listener, which gets an
    event later, by itself and in no promised order, is the right choice for all that can do with it.
    """

    observe: Callable[[msgspec.Struct], Awaitable[None]]


class Events(Protocol):
    """Facts that other modules may listen to."""

    async def publish(self, event: msgspec.Struct) -> None:
        """Publish one of the module's `emits` when the transaction around this call commits, and only then.

        Raises RuntimeError outside of a transaction (`kernel.database.transaction()`), ValueError for an event the
        module does not emit or that is too large, and Unavailable.
        """

    async def handled_until(self, follower: str) -> datetime:
        """A time before which all events that were published are handled by this `EventFollower`, or dead letters.

        It moves forward with each call, and is some seconds behind. Raises Unavailable, and ValueError for a follower
        that the module did not contribute.
        """
