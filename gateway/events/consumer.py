"""Handles the messages of one listener or timer, each by itself, until it is done or a dead letter.

The handler's transaction makes sure that a message has its effect once. Each failure counts as a try, and the wait
after it is longer each time.
"""

from __future__ import annotations

import asyncio
import traceback

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.js.client import JetStreamContext

from gateway import failpoint
from gateway.contract.delivery import Delivery
from gateway.errors import Unavailable
from gateway.events.durable_consumer import FETCH_WAIT, MOMENTS, DurableConsumer, Services
from gateway.events.message_handler import MessageHandler


class Consumer(DurableConsumer):
    """`slots` limits the handlers that run at once in the process, `in_flight` the messages that are held here."""

    def __init__(
        self, handler: MessageHandler, services: Services, *, slots: asyncio.Semaphore, in_flight: int
    ) -> None:
        super().__init__(handler, services)
        self.handler = handler
        self._slots = slots
        self._in_flight = in_flight

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> None:
        while len(self._held) >= self._in_flight:
            await asyncio.wait(list(self._held), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
        try:
            messages = await subscription.fetch(self._in_flight - len(self._held), timeout=FETCH_WAIT)
        except (NatsTimeout, TimeoutError):
            return
        for message in messages:
            self._hold(asyncio.get_running_loop().create_task(self._handle(message)), [message])

    async def _handle(self, message: Msg) -> None:
        """Handle one message until it is acknowledged, delayed or a dead letter. If that fails, it comes again."""
        try:
            delivery = self._delivery(message)
            if delivery.attempt > self._retries.attempts:
                # Each earlier try ended because its process died.
                await self._dead_letter(message, delivery, "every try ended without a result, as when its process dies")
                return
            error = await self._try(message, delivery)
            if error is None:
                failpoint.crash("kill.committed")
                await self._acknowledge(message)
            elif delivery.attempt < self._retries.attempts:
                await self._try_later(message, delivery, error)
            else:
                await self._dead_letter(message, delivery, "".join(traceback.format_exception(error)), error)
        except asyncio.CancelledError:
            await self._give_back([message])
            raise

    async def _try(self, message: Msg, delivery: Delivery) -> Exception | None:
        """Run the handler; returns the exception that counts as a failed try, or None."""
        moments = 0
        while True:
            try:
                async with self._slots:
                    failpoint.crash("kill.received")
                    done = await self.handler.run(message.data, delivery)
            except Exception as error:
                if not await self._is_up():
                    await self._until_up()
                elif isinstance(error, Unavailable) and moments < MOMENTS:
                    moments += 1
                    await asyncio.sleep(0.2 * 2**moments)
                else:
                    self._count("failed", [delivery])
                    self.failure = error
                    return error
            else:
                self._count("done" if done else "skipped", [delivery])
                return None
