"""Stores once a minute how many requests and chat messages of this gateway took how long.

A minute has ids of its own, made of the gateway, the moment and the bucket. When PostgreSQL does not answer, the same
minute is written again with the same ids, so that it counts once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from gateway import clock
from gateway.errors import Unavailable
from gateway.identifier import new_id
from gateway.tasks import end, repeat
from modules.analytics.facade import Fact
from modules.analytics.latency.histograms import Counts, growth, read
from modules.analytics.settings import LatencySettings
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

log = structlog.get_logger(__name__)

# Minutes that wait for PostgreSQL; older ones are lost.
MOST_WAITING: Final = 120


class LatencyRecorder:
    """The recorder of one gateway. `registry` has the gateway's own metrics."""

    def __init__(self, writer: EventWriter, settings: LatencySettings, registry: CollectorRegistry = REGISTRY) -> None:
        self._writer = writer
        self._interval = settings.latency_interval
        self._registry = registry
        self._node = new_id()
        self._told: Counts = {}
        self._waiting: deque[Sequence[Event]] = deque(maxlen=MOST_WAITING)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Record until the end, and then what is left."""
        work = repeat("latency", self.record, self._interval, at_once=False)
        recording = asyncio.get_running_loop().create_task(work)
        try:
            yield
        finally:
            await end([recording])
            try:
                await self.record()
            except Unavailable:
                log.warning("latency.lost", minutes=len(self._waiting))

    async def record(self) -> None:
        """Store what came since the last call. Raises Unavailable; then it is stored with the next call."""
        counts = await asyncio.to_thread(read, self._registry)
        if grown := growth(counts, self._told):
            self._told = counts
            if len(self._waiting) == MOST_WAITING:
                log.warning("latency.lost", minutes=1)
            self._waiting.append(self._events(grown))
        while self._waiting:
            await self._writer.write(self._waiting[0], Source.FACTS)
            self._waiting.popleft()

    def _events(self, grown: Counts) -> list[Event]:
        now = clock.now()
        return [
            Event.of(Fact(name=name, at=now, label=bound, value=count, part=self._node))
            for (name, bound), count in sorted(grown.items())
        ]
