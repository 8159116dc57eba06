"""AsOf: moves the times before which all events are stored, also while none come."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from modules.analytics.intake.client_events import INTAKE
from modules.analytics.intake.facts import FOLLOWER
from modules.analytics.intake.settings import IntakeSettings
from modules.analytics.store.event import Source
from modules.analytics.store.progress import ProgressRepository


class AsOf:
    """Runs on every gateway. One that another gateway was ahead of leaves it at that."""

    def __init__(self, kernel: Kernel, settings: IntakeSettings) -> None:
        self._kernel = kernel
        self._progress = ProgressRepository(kernel.database)
        self._interval = settings.as_of_interval

    async def move(self) -> None:
        """Ask how far the streams are handled, and write it down; raises Unavailable."""
        progress = await self._progress.read()
        age = clock.now() - min(progress.as_of, progress.client_as_of)
        if age.total_seconds() < self._interval / 2:
            return
        await self._progress.advance(Source.FACTS, await self._kernel.events.handled_until(FOLLOWER))
        await self._progress.advance(Source.CLIENTS, await self._kernel.intakes.handled_until(INTAKE))
