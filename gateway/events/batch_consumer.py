"""Handles the messages of one follower or intake in batches, until each is done or a dead letter.

A batch that fails is halved, and its halves are tried at once. So the messages that cannot be handled are found, and
hold up no others. Each of them is tried again later, as a message of a listener is.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from dataclasses import dataclass
from typing import Final

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.js.client import JetStreamContext

from gateway import failpoint
from gateway.backoff import doubled
from gateway.contract.delivery import Delivery
from gateway.errors import Unavailable
from gateway.events.batch_handler import BatchHandler
from gateway.events.durable_consumer import FETCH_WAIT, DurableConsumer, Services

# Batches held here: one is handled, and the next is fetched meanwhile.
HELD: Final = 2
# How often Unavailable is tried again before a batch is halved, and the pauses between. A statement may wait for a lock
# that somebody holds for a minute, and that is no fault of a message.
PATIENCE: Final = 10
FIRST_PAUSE: Final = 0.4
MOST_PAUSE: Final = 5.0
# A message that was delivered more often than this is handled alone. It may be the one that ends its process, and the
# others of its batch must not become dead letters with it.
TOGETHER: Final = 2


@dataclass
class _Batch:
    """Messages that are handled together. `unsettled` are those that the server waits to hear of."""

    unsettled: list[Msg]
    unavailable: int = 0


class BatchConsumer(DurableConsumer):
    """One batch is handled at a time in a process."""

    max_ack_pending = 10_000

    def __init__(self, handler: BatchHandler, services: Services) -> None:
        super().__init__(handler, services)
        self._handler = handler
        self._turn = asyncio.Lock()

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> None:
        while len(self._held) >= HELD:
            await asyncio.wait(list(self._held), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
        try:
            messages: list[Msg] = await subscription.fetch(1, timeout=FETCH_WAIT)
        except (NatsTimeout, TimeoutError):
            return
        try:
            if self._handler.batch > 1:
                messages += await subscription.fetch(self._handler.batch - 1, timeout=self._handler.wait)
        except (NatsTimeout, TimeoutError):
            pass
        except asyncio.CancelledError:
            await self._give_back(messages)
            raise
        batch = _Batch(messages)
        self._hold(asyncio.get_running_loop().create_task(self._handle(batch)), batch.unsettled)

    async def _handle(self, batch: _Batch) -> None:
        """Handle messages until each is acknowledged, delayed or a dead letter. If that fails, they come again."""
        try:
            async with self._turn:
                together: list[tuple[Msg, Delivery]] = []
                alone: list[tuple[Msg, Delivery]] = []
                for message in list(batch.unsettled):
                    delivery = self._delivery(message)
                    most = min(TOGETHER, self._retries.attempts)
                    (together if delivery.attempt <= most else alone).append((message, delivery))
                if together:
                    await self._work(batch, together)
                # In another order each time, so that others are not behind one that ends its process again and again.
                random.shuffle(alone)
                for one in alone:
                    await self._work(batch, [one])
        except asyncio.CancelledError:
            await self._give_back(batch.unsettled)
            raise

    async def _work(self, batch: _Batch, part: list[tuple[Msg, Delivery]]) -> None:
        message, delivery = part[0]
        if len(part) == 1 and delivery.attempt > self._retries.attempts:
            # Each earlier try ended because its process died.
            await self._dead_letter(message, delivery, "every try ended without a result, as when its process dies")
            batch.unsettled.remove(message)
            return
        error = await self._try(batch, part)
        if error is None:
            failpoint.crash("kill.committed")
            for message, _ in part:
                await self._acknowledge(message)
                batch.unsettled.remove(message)
        elif len(part) > 1:
            half = len(part) // 2
            await self._work(batch, part[:half])
            await self._work(batch, part[half:])
        else:
            if delivery.attempt < self._retries.attempts:
                await self._try_later(message, delivery, error)
            else:
                await self._dead_letter(message, delivery, "".join(traceback.format_exception(error)), error)
            batch.unsettled.remove(message)

    async def _try(self, batch: _Batch, part: list[tuple[Msg, Delivery]]) -> Exception | None:
        """Run the handler; returns the exception that counts as a failed try, or None."""
        deliveries = [delivery for _, delivery in part]
        while True:
            try:
                failpoint.crash("kill.received")
                handled = await self._handler.run([(message.data, delivery) for message, delivery in part])
            except Exception as error:
                if not await self._is_up():
                    await self._until_up()
                elif isinstance(error, Unavailable) and batch.unavailable < PATIENCE:
                    batch.unavailable += 1
                    await asyncio.sleep(doubled(batch.unavailable, FIRST_PAUSE, MOST_PAUSE))
                else:
                    if len(part) == 1:
                        self._count("failed", deliveries)
                        self.failure = error
                    return error
            else:
                skipped = len(part) - len(handled)
                self._count("done", list(handled))
                if skipped:
                    self._metrics.events_handled.labels(self.source.name, "skipped").inc(skipped)
                return None
