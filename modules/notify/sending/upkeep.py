"""Upkeep: takes back what lost workers were sending, and measures what is due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from modules.notify.sending import metrics
from modules.notify.sending.repository import DeliveryRepository
from modules.notify.settings import SendingSettings

log = structlog.get_logger(__name__)

# Between two measurements, which read all that waits.
MEASURED: Final = timedelta(seconds=15)


class Upkeep:
    """One worker of a gateway."""

    def __init__(self, rows: DeliveryRepository, settings: SendingSettings, channels: Collection[str]) -> None:
        self._rows = rows
        self._batch = settings.batch
        self._channels = channels
        self._measures_at: datetime | None = None

    async def work(self) -> bool:
        now = clock.now()
        lapsed = await self._rows.lapse(now, self._batch)
        if lapsed:
            metrics.lapsed.inc(lapsed)
            log.warning("notifications.lapsed", deliveries=lapsed)
        if self._measures_at is None or self._measures_at <= now:
            self._measures_at = now + MEASURED
            await self.measure(now)
        return lapsed >= self._batch

    async def measure(self, now: datetime) -> None:
        found = {row["channel"]: row for row in await self._rows.backlog(now)}
        for channel in self._channels:
            row = found.get(channel)
            metrics.due.labels(channel).set(row["due"] if row else 0)
            metrics.oldest.labels(channel).set((now - row["oldest"]).total_seconds() if row else 0.0)
