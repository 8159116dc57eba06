"""Publishes the events of a module through the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

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
    ) -> None:
        """`observers` gives what the modules contributed."""
        self._module = module
        self._names = {event: event_name(event) for event in emits}
        self._outbox = outbox
        self._observers = observers

    async def publish(self, event: msgspec.Struct) -> None:
        name = self._names.get(type(event))
        if name is None:
            raise ValueError(f"module {self._module} does not list {type(event).__name__} in `emits`")
        await self._outbox.add("event", name, msgspec.json.encode(event))
        for observer in self._observers():
            await observer.observe(event)
