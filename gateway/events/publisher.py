"""Publishes the events of a module through the outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from gateway.contract.event_follower import EventFollower
from gateway.contract.events import EventObserver, event_name
from gateway.events.outbox import Outbox


class ModuleEvents:
    """Implements `gateway.contract.Events` for one module and what it `emits`."""

    def __init__(
        self,
        module: str,
        emits: Sequence[type[msgspec.Struct]],
        outbox: Outbox,
        observers: Callable[[], Sequence[EventObserver]],
        followers: Mapping[str, EventFollower],
        handled_until: Callable[[str], Awaitable[datetime]],
    ) -> None:
        """`observers` gives what the modules contributed, and `followers` has it once they are built."""
        self._module = module
        self._names = {event: event_name(event) for event in emits}
        self._outbox = outbox
        self._observers = observers
        self._followers = followers
        self._handled_until = handled_until

    async def publish(self, event: msgspec.Struct) -> None:
        name = self._names.get(type(event))
        if name is None:
            raise ValueError(f"module {self._module} does not list {type(event).__name__} in `emits`")
        await self._outbox.add("event", name, msgspec.json.encode(event))
        for observer in self._observers():
            await observer.observe(event)

    async def handled_until(self, follower: str) -> datetime:
        if follower not in self._followers or follower.partition(".")[0] != self._module:
            raise ValueError(f"module {self._module} contributes no follower {follower}")
        return await self._handled_until(follower)
