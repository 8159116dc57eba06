"""Deletes what a sink has of people who withdrew or were deleted.

It runs between two batches of the gateway that has the sink. So no batch that was read before a withdrawal is sent
after its deletion.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.backoff import doubled
from gateway.contract import Database
from modules.analytics.deletions.repository import DeletionRepository, DueDeletion
from modules.analytics.deletions.states import DeletionState
from modules.analytics.facade import DeletionProgress, Sink, SinkFault
from modules.analytics.sinks import metrics
from modules.analytics.sinks.calls import asked
from modules.analytics.sinks.settings import SinkSettings

log = structlog.get_logger(__name__)

# People of one request.
MOST: Final = 1000


class SinkDeletions:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, settings: SinkSettings) -> None:
        self._settings = settings
        self._rows = DeletionRepository(database)

    async def work(self, sink: Sink) -> bool:
        """Do some of what is due, in at most two times `KSMP_ANALYTICS_SINK_TIMEOUT`; whether anything was.

        The caller has the sink.
        """
        began = time.monotonic()
        due = await self._rows.due(sink.name, clock.now(), MOST)
        if waiting := [one for one in due if one.state is DeletionState.WAITING]:
            await self._ask(sink, waiting)
        tasks: dict[str, list[DueDeletion]] = defaultdict(list)
        for one in due:
            if one.state is DeletionState.ASKED:
                tasks[one.task].append(one)
        for task, them in tasks.items():
            if time.monotonic() - began > self._settings.sink_timeout:
                # The others are due at the next look.
                break
            await self._look(sink, task, them)
        return bool(due)

    async def _ask(self, sink: Sink, waiting: Sequence[DueDeletion]) -> None:
        people = [one.pseudonym for one in waiting]
        try:
            task = await asked(sink.name, sink.delete(people), self._settings.sink_timeout)
        except SinkFault as fault:
            await self._again(sink, waiting, fault.reason, fault.retry_after)
            return
        ids, now = [one.id for one in waiting], clock.now()
        if task:
            await self._rows.asked(ids, task, now + timedelta(seconds=sink.patience))
        else:
            await self._rows.done(ids, now)

    async def _look(self, sink: Sink, task: str, them: Sequence[DueDeletion]) -> None:
        people = [one.pseudonym for one in them]
        ids, now = [one.id for one in them], clock.now()
        try:
            progress = await asked(sink.name, sink.deletion(task, people), self._settings.sink_timeout)
        except SinkFault as fault:
            # It goes on there all the same.
            log.info("sinks.deletion_unknown", sink=sink.name, task=task, reason=fault.reason)
            await self._rows.wait(ids, now + timedelta(seconds=max(sink.patience, fault.retry_after or 0.0)))
            return
        match progress:
            case DeletionProgress.DONE:
                await self._rows.done(ids, now)
            case DeletionProgress.GOES_ON:
                await self._rows.wait(ids, now + timedelta(seconds=sink.patience))
            case DeletionProgress.LOST:
                await self._again(sink, them, "lost", None)

    async def _again(self, sink: Sink, them: Sequence[DueDeletion], reason: str, retry_after: float | None) -> None:
        settings, now = self._settings, clock.now()
        tried = min(one.attempts for one in them) + 1
        pause = max(retry_after or 0.0, doubled(tried, settings.sink_first_wait, settings.sink_most_wait))
        ids, due_at = [one.id for one in them], now + timedelta(seconds=pause)
        metrics.faults.labels(sink.name).inc()
        log.warning("sinks.deletion_waits", sink=sink.name, people=len(ids), reason=reason)
        if failed := await self._rows.again(ids, reason, due_at, settings.deletion_attempts, now):
            metrics.deletions_failed.labels(sink.name).inc(failed)
            log.error("sinks.deletion_failed", sink=sink.name, people=failed, reason=reason)
