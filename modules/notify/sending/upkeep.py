"""Upkeep: takes back what lost workers were sending, and deletes what is old."""

from __future__ import annotations

import structlog

from gateway import clock
from modules.notify.sending import metrics
from modules.notify.sending.repository import DeliveryRepository
from modules.notify.settings import SendingSettings

log = structlog.get_logger(__name__)


class Upkeep:
    """One worker of a gateway."""

    def __init__(self, rows: DeliveryRepository, settings: SendingSettings) -> None:
        self._rows = rows
        self._batch = settings.batch

    async def work(self) -> bool:
        lapsed = await self._rows.lapse(clock.now(), self._batch)
        if lapsed:
            metrics.lapsed.inc(lapsed)
            log.warning("notifications.lapsed", deliveries=lapsed)
        return lapsed >= self._batch
