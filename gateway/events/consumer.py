"""Runs a durable consumer: gives each message of a stream to its handler, until it is done or a dead letter.

The NATS server remembers which messages are done. A message that is not acknowledged in time is delivered again, to
any node. The handler's transaction makes sure that it has its effect once. Each failure counts as a try, and the wait
after it is longer each time. While PostgreSQL or NATS are away the node keeps its messages and counts no try.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from gateway import clock, failpoint
from gateway.backoff import Backoff, doubled
from gateway.bus.client import NatsClient
from gateway.bus.connection import NatsBus
from gateway.contract.delivery import Delivery
from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable
from gateway.events import names
from gateway.events.dead_letters import DeadLetter, DeadLetters
from gateway.events.message_handler import MessageHandler
from gateway.events.streams import EventStreams
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

FETCH_WAIT: Final = 3.0
# The NATS server stamps messages and the database stamps events; their clocks may differ by this much.
CLOCK_SLACK: Final = timedelta(minutes=5)
# How many times Unavailable is tried again at once before it counts as a failed try.
MOMENTS: Final = 3
MAX_ACK_PENDING: Final = 1000
ERROR_LENGTH: Final = 8000


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How many tries a handler has, and the seconds between them: doubled after each try, up to `most`."""

    attempts: int
    first: float
    most: float

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the failure of this attempt, which counts from 1."""
        return doubled(attempt, self.first, self.most)


class Consumer:
    """Handles the messages of one listener or timer. It runs on every node; each message goes to one of them.

    `slots` limits the handlers that run at once in the process. `in_flight` limits the messages that this consumer
    holds.
    """

    def __init__(
        self,
        handler: MessageHandler,
        bus: NatsBus,
        streams: EventStreams,
        database: PostgresDatabase,
        dead: DeadLetters,
        metrics: Metrics,
        *,
        retries: Retries,
        ack_wait: float,
        slots: asyncio.Semaphore,
        in_flight: int,
    ) -> None:
        self.handler = handler
        self._bus = bus
        self._streams = streams
        self._database = database
        self._dead = dead
        self._metrics = metrics
        self._retries = retries
        self._ack_wait = ack_wait
        self._slots = slots
        self._in_flight = in_flight
        # What the handler raised in the newest failed try here.
        self.failure: Exception | None = None
        self._durable = names.durable(handler.name)
        self._fetching: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._messages: dict[asyncio.Task[None], Msg] = {}
        self._ensured = asyncio.Event()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._fetching = loop.create_task(self._run())
        self._reporting = loop.create_task(self._report())

    async def drain(self, timeout: float) -> None:
        """Stop fetching, wait up to `timeout` seconds for running handlers, and return the rest to the server."""
        if self._fetching is not None:
            await end([self._fetching])
        if self._messages:
            await asyncio.wait(list(self._messages), timeout=timeout)
        await end(list(self._messages))
        if self._reporting is not None:
            await end([self._reporting])

    def check(self) -> None:
        """Check again that the consumer exists on the server, as after a reconnect."""
        self._ensured.clear()

    async def waiting(self) -> int:
        """How many messages are not handled yet, on any node; raises what nats-py raises."""
        info = await self._bus.jetstream.consumer_info(self.handler.stream, self._durable)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _run(self) -> None:
        subscription: JetStreamContext.PullSubscription | None = None
        client: NatsClient | None = None
        backoff = Backoff(0.1, 5.0)
        try:
            while True:
                try:
                    await self._bus.wait_up(FETCH_WAIT)
                    if not self._ensured.is_set():
                        # Set first, so that a reconnect during the call leads to another check.
                        self._ensured.set()
                        await self._ensure()
                    if subscription is None or client is not self._bus.client:
                        # It ends with its connection.
                        client, subscription = self._bus.client, None
                        subscription = await self._bus.jetstream.pull_subscribe_bind(
                            self._durable, stream=self.handler.stream
                        )
                    await self._fetch(subscription)
                    backoff.reset()
                except Exception as error:
                    self._ensured.clear()
                    expected = isinstance(error, NatsError | JetStreamError | TimeoutError | Unavailable)
                    level = log.info if expected else log.exception
                    level("consumer.waiting", consumer=self.handler.name, reason=repr(error))
                    await asyncio.sleep(backoff.next())
        finally:
            if subscription is not None:
                with contextlib.suppress(NatsError):
                    await subscription.unsubscribe()

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> None:
        while len(self._messages) >= self._in_flight:
            await asyncio.wait(list(self._messages), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
        try:
            messages = await subscription.fetch(self._in_flight - len(self._messages), timeout=FETCH_WAIT)
        except (NatsTimeout, TimeoutError):
            return
        for message in messages:
            task = asyncio.get_running_loop().create_task(self._handle(message))
            self._messages[task] = message
            task.add_done_callback(self._handled)

    def _handled(self, task: asyncio.Task[None]) -> None:
        self._messages.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("consumer.left", consumer=self.handler.name, reason=repr(error), exc_info=error)

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
                if not failpoint.drop("event.ack.lost", message):
                    await (await self._answerable(message)).ack()
            elif delivery.attempt < self._retries.attempts:
                wait = self._retries.wait(delivery.attempt)
                log.warning(
                    "event.retry",
                    listener=self.handler.name,
                    id=delivery.id,
                    wait=wait,
                    error=repr(error),
                    exc_info=error,
                )
                self._metrics.event_retries.labels(self.handler.name).inc()
                await (await self._answerable(message)).nak(delay=wait)
            else:
                await self._dead_letter(message, delivery, "".join(traceback.format_exception(error)), error)
        except asyncio.CancelledError:
            with contextlib.suppress(NatsError, Unavailable):
                message._client = self._bus.client
                await message.nak()
            raise

    async def _answerable(self, message: Msg) -> Msg:
        """The message, to be answered over the present connection, which need not be the one that it came over.

        Raises Unavailable when NATS is away for so long that the message goes to another node.
        """
        await self._bus.wait_up(self._ack_wait)
        message._client = self._bus.client
        return message

    def _delivery(self, message: Msg) -> Delivery:
        headers = message.headers or {}
        stored = message.metadata.timestamp
        id = headers.get(names.ID, f"{self.handler.stream}:{message.metadata.sequence.stream}")
        at = stored
        with contextlib.suppress(ValueError):
            at = type(stored).fromisoformat(headers.get(names.AT, ""))
        with contextlib.suppress(Exception):
            id, at = self.handler.read(message.data, id, at)
        return Delivery(id=id, at=at, attempt=message.metadata.num_delivered or 1)

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
                    self._metrics.events_handled.labels(self.handler.name, "failed").inc()
                    self.failure = error
                    return error
            else:
                self._metrics.events_handled.labels(self.handler.name, "done" if done else "skipped").inc()
                if done:
                    self._metrics.event_seconds.labels(self.handler.name).observe(
                        max(0.0, (clock.now() - delivery.at).total_seconds())
                    )
                return None

    async def _dead_letter(self, message: Msg, delivery: Delivery, error: str, cause: Exception | None = None) -> None:
        """Store the message as a dead letter, and take it out of its stream."""
        letter = DeadLetter(
            name=self.handler.name,
            what=self.handler.what,
            id=delivery.id,
            at=delivery.at,
            attempts=min(delivery.attempt, self._retries.attempts),
            failed_at=clock.now(),
            error=error[-ERROR_LENGTH:],
            requeue=self.handler.requeue,
            body=message.data.decode("utf-8", "replace"),
        )
        await self._dead.store(letter, f"dead:{self.handler.name}:{message.metadata.sequence.stream}:{delivery.id}")
        last = error.strip().splitlines()[-1]
        log.error("event.dead", listener=self.handler.name, id=delivery.id, error=last, exc_info=cause)
        self._metrics.dead_letters.labels(self.handler.name).inc()
        failpoint.crash("kill.dead_letter")
        await (await self._answerable(message)).term()

    async def _report(self) -> None:
        """Tell the server that the held messages are in progress, and measure how many wait."""
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            if not self._bus.up:
                continue
            for message in list(self._messages.values()):
                with contextlib.suppress(NatsError):
                    message._client = self._bus.client
                    await message.in_progress()
            with contextlib.suppress(NatsError, JetStreamError, TimeoutError):
                self._metrics.event_lag.labels(self.handler.name).set(await self.waiting())

    async def _is_up(self) -> bool:
        if not self._bus.up:
            return False
        try:
            await self._database.ping()
        except Unavailable:
            return False
        return True

    async def _until_up(self) -> None:
        backoff = Backoff(0.1, 2.0)
        while not await self._is_up():
            await asyncio.sleep(backoff.next())

    async def _ensure(self) -> None:
        """Create the stream and the consumer where they are missing; an existing consumer keeps its place."""
        await self._streams.ensure()
        since = await self.handler.since()
        subjects = list(self.handler.subjects)
        jetstream = self._bus.jetstream
        try:
            config = (await jetstream.consumer_info(self.handler.stream, self._durable)).config
            if (config.filter_subjects or [config.filter_subject]) == subjects and config.ack_wait == self._ack_wait:
                return
            config = config.evolve(filter_subject=None, filter_subjects=subjects, ack_wait=self._ack_wait)
        except NotFoundError:
            config = ConsumerConfig(
                durable_name=self._durable,
                description=self.handler.what,
                filter_subjects=subjects,
                deliver_policy=DeliverPolicy.ALL if since is None else DeliverPolicy.BY_START_TIME,
                opt_start_time=None if since is None else since - CLOCK_SLACK,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait,
                # This class counts the tries, because an absent database must not use them up.
                max_deliver=-1,
                max_ack_pending=MAX_ACK_PENDING,
            )
        await jetstream.add_consumer(self.handler.stream, config)
