"""Sinks: those of this gateway, and the tasks that send to them as long as the gateway runs."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.aws.service import AwsConfig
from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.settings import Settings
from gateway.tasks import end, repeat
from modules.analytics.deletions.of_events import EventDeletions
from modules.analytics.deletions.states import EVENTS
from modules.analytics.facade import Sink
from modules.analytics.measures.zone import Zone
from modules.analytics.sinks.mixpanel.sink import MixpanelSink
from modules.analytics.sinks.repository import SinkRepository
from modules.analytics.sinks.sending import SinkSender
from modules.analytics.sinks.settings import SinkSettings
from modules.analytics.sinks.warehouse.bucket import WarehouseBucket
from modules.analytics.sinks.warehouse.sink import WarehouseSink

log = structlog.get_logger(__name__)

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
SWEEP: Final = 3600.0


class Sinks:
    """Each sink has a task of its own, so one that hangs holds up no other, and no request.

    What is to be deleted here has one as well.
    """

    def __init__(self, kernel: Kernel, settings: SinkSettings, zone: Zone) -> None:
        self._kernel = kernel
        self._settings = settings
        self.rows = SinkRepository(kernel.database)
        self._zone = zone
        self.contributions = _built_in(kernel, settings, zone)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises ValueError for a sink whose name is taken or is none."""
        sinks = self._kernel.contributed(Sink)  # type: ignore[type-abstract]
        check(sinks)
        if not self._settings.sinks_on:
            yield
            return
        senders = [SinkSender(self._kernel.database, self._settings, sink) for sink in sinks]
        async with contextlib.AsyncExitStack() as stack:
            for sink in sinks:
                await sink.open()
                stack.push_async_callback(sink.close)
            loop = asyncio.get_running_loop()
            tasks = [loop.create_task(self._again_and_again(sender)) for sender in senders]
            tasks.append(loop.create_task(repeat("sinks.sweep", self.sweep, SWEEP, at_once=False)))
            here = EventDeletions(self._kernel.database, self._zone)
            tasks.append(loop.create_task(repeat("deletions", here.work_all, self._settings.sink_interval)))
            try:
                yield
            finally:
                await end(tasks)
                for sender in senders:
                    with contextlib.suppress(Unavailable):
                        await sender.stop()

    async def sweep(self) -> None:
        """Delete what is old."""
        await self.rows.sweep(clock.now() - timedelta(days=self._settings.sink_refused_days))

    async def _again_and_again(self, sender: SinkSender) -> None:
        while True:
            more = False
            try:
                more = await sender.work()
            except Unavailable as error:
                log.info("sinks.database_away", sink=sender.sink.name, reason=error.message)
            except Exception:
                log.exception("sinks.failed", sink=sender.sink.name)
            if not more:
                await asyncio.sleep(self._settings.sink_interval)


def _built_in(kernel: Kernel, settings: SinkSettings, zone: Zone) -> Sequence[Sink]:
    """Those that the settings switch on."""
    found: list[Sink] = []
    if settings.mixpanel_project:
        found.append(MixpanelSink(settings))
    if settings.warehouse_bucket:
        core: Settings = kernel.settings(Settings)
        aws = AwsConfig(core.aws_region, core.aws_endpoint, settings.sink_timeout)
        bucket = WarehouseBucket(aws, settings.warehouse_bucket)
        found.append(WarehouseSink(kernel.database, bucket, settings, zone))
    return found


def check(sinks: Sequence[Sink]) -> None:
    """Raises ValueError."""
    seen = {EVENTS}
    for sink in sinks:
        if NAME.fullmatch(sink.name) is None:
            raise ValueError(f"A sink cannot be called {sink.name!r}; write small letters, digits and '_'.")
        if sink.name in seen:
            raise ValueError(f"There is more than one place called {sink.name!r}.")
        seen.add(sink.name)
