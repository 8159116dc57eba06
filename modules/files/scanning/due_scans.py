"""Looks, again and again, for files whose scan is due, and for how long files wait in quarantine.

Each gateway has this worker. A scan that is due is claimed and published in one transaction, so that one gateway does
it. So a file is scanned also when its first event was lost, or the gateway that had it has died.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.tasks import repeat
from modules.files.events import ScanDue
from modules.files.scanning import metrics
from modules.files.scanning.repository import ScanRepository
from modules.files.settings import ScanSettings

log = structlog.get_logger(__name__)


class DueScans:
    def __init__(self, kernel: Kernel, settings: ScanSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._scans = ScanRepository(kernel.database)

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        await repeat("scans_due", lambda: self.look(clock.now()), self._settings.scan_interval, at_once=False)

    async def look(self, now: datetime) -> list[str]:
        """Publish the scans that are due at this time; the ids of their files. Raises Unavailable."""
        until = now + timedelta(seconds=self._settings.scan_claim)
        async with self._kernel.database.transaction():
            due = await self._scans.claim(now, until, self._settings.scan_batch)
            for id in due:
                await self._kernel.events.publish(ScanDue(id))
        waiting, oldest = await self._scans.waiting()
        metrics.quarantined.set(waiting)
        metrics.oldest.set((now - oldest).total_seconds() if oldest is not None else 0.0)
        return due
