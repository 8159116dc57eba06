"""MixpanelSink: posts batches to `/import`, and has people's data deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from modules.analytics.facade import DeletionProgress, OutgoingEvent, RefusedEvent, Sink
from modules.analytics.sinks.mixpanel.answers import TooLarge, progress_of, refused_of, task_of
from modules.analytics.sinks.mixpanel.client import MixpanelClient
from modules.analytics.sinks.mixpanel.records import batches
from modules.analytics.sinks.settings import SinkSettings

TOO_LARGE: Final = "the event alone is too large"


class MixpanelSink(Sink):
    """Facts about nobody are not sent: Mixpanel makes nothing of them, and bills them."""

    name = "mixpanel"
    nobodys = False
    interval = 0.0

    def __init__(self, settings: SinkSettings) -> None:
        self.most = settings.mixpanel_batch
        self.patience = settings.mixpanel_patience
        self._client = MixpanelClient(settings)

    async def open(self) -> None:
        await self._client.open()

    async def close(self) -> None:
        await self._client.close()

    async def send(self, after: int, events: Sequence[OutgoingEvent]) -> Sequence[RefusedEvent]:
        refused: list[RefusedEvent] = []
        # Packing 2,000 events takes some milliseconds, which would hold up everybody on this gateway.
        for part, body in await asyncio.to_thread(lambda: list(batches(events))):
            refused += await self._import(part, body)
        return refused

    async def delete(self, people: Sequence[UUID]) -> str:
        return task_of(await self._client.delete_people(people))

    async def deletion(self, task: str, people: Sequence[UUID]) -> DeletionProgress:
        return progress_of(await self._client.deletion(task))

    async def _import(self, events: Sequence[OutgoingEvent], body: bytes) -> Sequence[RefusedEvent]:
        answer = await self._client.import_events(body)
        try:
            return refused_of(answer, events)
        except TooLarge:
            if len(events) == 1:
                return [RefusedEvent(events[0], TOO_LARGE)]
            # The limit is another one than the pages say.
            middle = len(events) // 2
            return [*await self.send(0, events[:middle]), *await self.send(0, events[middle:])]
