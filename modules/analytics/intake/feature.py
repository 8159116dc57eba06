"""IntakeFeature: everything by which events come into analytics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from litestar import Router

from gateway.contract import Kernel
from gateway.tasks import end, repeat
from modules.analytics.intake.as_of import AsOf
from modules.analytics.intake.client_events import ClientEventIntake
from modules.analytics.intake.facts import FactIntake
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.store.writer import EventWriter
from modules.analytics.tracking import routes
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.own_events import OWN_EVENTS
from modules.analytics.tracking.tracker import Tracker


class IntakeFeature:
    """`features` are what the registry reads declarations and contributions of."""

    def __init__(self, kernel: Kernel, writer: EventWriter, settings: AnalyticsSettings) -> None:
        self.types = ClientEventTypes(kernel)
        self.facts = FactIntake(kernel, writer, settings)
        self.client_events = ClientEventIntake(kernel, writer, settings)
        self.tracker = Tracker(kernel, self.types, self.client_events, settings)
        self._as_of = AsOf(kernel, settings)
        self._interval = settings.as_of_interval
        self.contributions = OWN_EVENTS
        self.features: Sequence[object] = (self, self.facts, self.client_events, self.tracker)

    def router(self) -> Router:
        return routes.router(self.types, self.tracker)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Around the life of a gateway; raises ValueError for client events that break their contract."""
        self.types.check()
        work = repeat("analytics_as_of", self._as_of.move, self._interval)
        task = asyncio.get_running_loop().create_task(work)
        try:
            yield
        finally:
            await end([task])
