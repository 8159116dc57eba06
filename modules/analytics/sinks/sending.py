"""Sends events to one sink, in the order of storing, each at least once.

One gateway at a time has the sink, by a lease in its row. It reads a batch, notes its end, sends it outside of any
transaction, and moves the cursor. A gateway that dies in between leaves the end of the batch behind, so the next one
sends the same batch again: Mixpanel knows its events by their ids, and a warehouse's files by their names.
"""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.backoff import doubled
from gateway.contract import Database
from modules.analytics.facade import Sink, SinkFault
from modules.analytics.sinks import metrics
from modules.analytics.sinks.calls import asked
from modules.analytics.sinks.deleting import SinkDeletions
from modules.analytics.sinks.repository import Cursor, SinkRepository
from modules.analytics.sinks.settings import SinkSettings

log = structlog.get_logger(__name__)

# Seconds beyond the time of a batch for which the lease holds: for the statements around it.
SLACK: Final = 30.0
# Stored events that one read looks through. Where few may leave, most of them are passed over.
LOOKED_AT: Final = 20_000


class SinkSender:
    """`work` does a part of what is due, and says whether there may be more."""

    def __init__(self, database: Database, settings: SinkSettings, sink: Sink) -> None:
        self.sink = sink
        self._settings = settings
        self._rows = SinkRepository(database)
        self._database = database
        self._deletions = SinkDeletions(database, settings)
        self._holder = uuid.uuid4()
        # For a batch, and for deletions, which take two times as long at most.
        self._lease = timedelta(seconds=2 * settings.sink_timeout + SLACK)
        self._added = False

    async def work(self) -> bool:
        """Raises Unavailable without PostgreSQL."""
        if not self._added:
            await self._rows.add(self.sink.name)
            self._added = True
        cursor = await self._hold()
        if cursor is not None and await self._deletions.work(self.sink):
            # They took their time, and the batch gets its own.
            cursor = await self._hold()
        if cursor is None:
            return False
        metrics.behind.labels(self.sink.name).set(cursor.stored - cursor.seq)
        if cursor.rests:
            return False
        try:
            return await self._send(cursor)
        except SinkFault as fault:
            await self._failed(cursor, fault)
            return False

    async def stop(self) -> None:
        """Let another gateway have the sink at once. Raises Unavailable."""
        await self._rows.release(self.sink.name, self._holder)

    async def _hold(self) -> Cursor | None:
        return await self._rows.hold(self.sink.name, self._holder, clock.now(), self._lease)

    async def _send(self, cursor: Cursor) -> bool:
        """One batch. Raises SinkFault."""
        sink, span = self.sink, max(LOOKED_AT, self.sink.most)
        end, most = min(cursor.seq + span, cursor.stored), sink.most
        if cursor.ahead is not None:
            # What was begun once is ended as it was begun, also when a user allows more by now.
            end, most = cursor.ahead, span
        if end <= cursor.seq:
            return False
        events = await self._rows.events(cursor.seq, end, most, nobodys=sink.nobodys)
        if cursor.ahead is None and len(events) == most:
            end = events[-1].seq
        goes_on, now = end < cursor.stored, clock.now()
        if not events:
            return await self._rows.advance(sink.name, self._holder, end, 0, 0, now, now) and goes_on
        if cursor.ahead is None and not await self._rows.plan(sink.name, self._holder, end):
            return False
        refused = await asked(sink.name, sink.send(cursor.seq, events), self._settings.sink_timeout)
        sent, now = len(events) - len(refused), clock.now()
        # What is left goes at once, when it is more than a batch.
        next_at = now if goes_on else now + timedelta(seconds=sink.interval)
        async with self._database.transaction():
            await self._rows.refuse(sink.name, refused, now)
            held = await self._rows.advance(sink.name, self._holder, end, sent, len(refused), now, next_at)
        metrics.events.labels(sink.name, "sent").inc(sent)
        metrics.events.labels(sink.name, "refused").inc(len(refused))
        if refused:
            log.warning("sinks.refused", sink=sink.name, events=len(refused), reason=refused[0].reason)
        return held and goes_on

    async def _failed(self, cursor: Cursor, fault: SinkFault) -> None:
        settings = self._settings
        backoff = doubled(cursor.failures + 1, settings.sink_first_wait, settings.sink_most_wait)
        # At random in its last quarter, so that a sink that comes back is not called by everybody at once.
        pause = max(fault.retry_after or 0.0, backoff * random.uniform(0.75, 1.0))  # noqa: S311
        metrics.faults.labels(self.sink.name).inc()
        log.warning("sinks.waits", sink=self.sink.name, reason=fault.reason, seconds=round(pause, 1))
        due_at = clock.now() + timedelta(seconds=pause)
        await self._rows.failed(self.sink.name, self._holder, fault.reason, due_at)
