"""Tells up to which time a consumer has handled all that was published.

A mark is a time and a sequence of the stream: all that was published before the time has at most that sequence. When
the consumer has handled the stream up to the sequence, it has handled all from before the time.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from gateway import clock
from gateway.bus.connection import NatsBus
from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable
from gateway.events import names
from gateway.events.durable_consumer import DurableConsumer

MARKS: Final = 1000
# All events that committed before this time have been sent. `now()` is taken before the snapshot is.
SENT_UNTIL: Final = """
    SELECT least(now(), min(created_at)) AS until FROM outbox WHERE sent_at IS NULL AND kind = 'event'
"""


class HandledUntil:
    """The time of one consumer, which moves forward as it is asked for."""

    def __init__(self, consumer: DurableConsumer, bus: NatsBus, database: PostgresDatabase) -> None:
        self._consumer = consumer
        self._bus = bus
        self._database = database
        self._marks: deque[tuple[datetime, int]] = deque(maxlen=MARKS)
        self._until = clock.EPOCH

    async def __call__(self) -> datetime:
        """The time; 1970 when nothing is known yet. Raises Unavailable."""
        earlier = len(self._marks)
        if not self._bus.up:
            raise Unavailable("NATS is away")
        sent = await self._sent_until()
        try:
            last = (await self._bus.jetstream.stream_info(self._consumer.source.stream)).state.last_seq
            info = await self._consumer.info()
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"JetStream does not answer: {error!r}") from error
        floor = info.ack_floor.stream_seq if info.ack_floor is not None else 0
        idle = not info.num_pending and not info.num_ack_pending
        # A consumer on another server than its stream may not know the newest messages yet. So being idle says
        # something of earlier marks alone.
        while self._marks and (self._marks[0][1] <= floor or (idle and earlier > 0)):
            self._until = max(self._until, self._marks.popleft()[0])
            earlier -= 1
        self._marks.append((sent, last))
        return self._until

    async def _sent_until(self) -> datetime:
        if self._consumer.source.stream != names.EVENTS:
            return clock.now()
        until: datetime = (await self._database.fetch(SENT_UNTIL))[0]["until"]
        return until
