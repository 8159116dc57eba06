"""Gathering: events of many sockets go into the stream together, after a moment."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence

from modules.analytics.intake.client_events import ClientEvent

# Keeps events; raises Unavailable.
Put = Callable[[Sequence[ClientEvent]], Awaitable[None]]


class Gathering:
    """Each caller waits until its events are durable. So nothing that was answered is lost with the process."""

    def __init__(self, put: Put, *, seconds: float, most: int) -> None:
        """Events are put after so many seconds, or when there are `most` of them."""
        self._put = put
        self._seconds = seconds
        self._most = most
        self._events: list[ClientEvent] = []
        self._full = asyncio.Event()
        self._putting: asyncio.Task[None] | None = None

    async def put(self, events: Sequence[ClientEvent]) -> None:
        """Raises Unavailable, after which the events may be stored: they come again with the same ids."""
        if self._putting is None or len(self._events) + len(events) > self._most:
            # Those that are there go at once, and these begin the next message.
            self._full.set()
            self._events, self._full = [], asyncio.Event()
            work = self._put_later(self._events, self._full)
            # In no transaction of a caller, and without the log fields of one.
            self._putting = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._events += events
        if len(self._events) >= self._most:
            self._full.set()
        # A caller that is cancelled takes the others' events with it otherwise.
        await asyncio.shield(self._putting)

    async def _put_later(self, events: list[ClientEvent], full: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await full.wait()
        except TimeoutError:
            pass
        # Whoever comes from here on begins the next message.
        if events is self._events:
            self._putting = None
        await self._put(events)
