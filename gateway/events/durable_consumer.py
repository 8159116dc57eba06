"""A durable consumer of a stream: fetches, keeps what it holds, gives it back at the end, and stores dead letters.

The NATS server remembers which messages are done. A message that is not acknowledged in time is delivered again, to
any node. While PostgreSQL or NATS are away the node keeps its messages and counts no try. What becomes of messages
that were fetched says a subclass: `Consumer` handles each by itself, `BatchConsumer` many at once.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
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
from gateway.events.message_handler import Source
from gateway.events.streams import EventStreams
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

FETCH_WAIT: Final = 3.0
# The NATS server stamps messages and the database stamps events; their clocks may differ by this much.
CLOCK_SLACK: Final = timedelta(minutes=5)
# How many times Unavailable is tried again at once before it counts as a failed try.
MOMENTS: Final = 3
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


@dataclass(frozen=True)
class Services:
    """What the consumers of a process share. `ack_wait` is the silence after which a message goes to another node."""

    bus: NatsBus
    streams: EventStreams
    database: PostgresDatabase
    dead: DeadLetters
    metrics: Metrics
    retries: Retries
    ack_wait: float


class DurableConsumer(abc.ABC):
    """Runs on every node; each message goes to one of them."""

    # How many messages all nodes together may hold.
    max_ack_pending = 1000

    def __init__(self, source: Source, services: Services) -> None:
        self.source = source
        self._bus = services.bus
        self._streams = services.streams
        self._database = services.database
        self._dead = services.dead
        self._metrics = services.metrics
        self._retries = services.retries
        self._ack_wait = services.ack_wait
        # What the handler raised in the newest failed try here.
        self.failure: Exception | None = None
        self._durable = names.durable(source.name)
        self._fetching: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        # The messages that each running task has not settled yet.
        self._held: dict[asyncio.Task[None], list[Msg]] = {}
        self._ensured = asyncio.Event()
        self._configured = False

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._fetching = loop.create_task(self._run())
        self._reporting = loop.create_task(self._report())

    async def drain(self, timeout: float) -> None:
        """Stop fetching, wait up to `timeout` seconds for running handlers, and return the rest to the server."""
        if self._fetching is not None:
            await end([self._fetching])
        if self._held:
            await asyncio.wait(list(self._held), timeout=timeout)
        await end(list(self._held))
        if self._reporting is not None:
            await end([self._reporting])

    def check(self) -> None:
        """Check again that the consumer exists on the server, as after a reconnect."""
        self._ensured.clear()

    async def info(self) -> ConsumerInfo:
        """What the server knows of the consumer; raises what nats-py raises."""
        info: ConsumerInfo = await self._bus.jetstream.consumer_info(self.source.stream, self._durable)
        return info

    async def waiting(self) -> int:
        """How many messages are not handled yet, on any node; raises what nats-py raises."""
        info = await self.info()
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    @abc.abstractmethod
    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> None:
        """Fetch messages and `_hold` them; may return without any."""

    def _hold(self, work: asyncio.Task[None], messages: list[Msg]) -> None:
        """Keep these messages until the task that handles them is done."""
        self._held[work] = messages
        work.add_done_callback(self._done)

    def _done(self, work: asyncio.Task[None]) -> None:
        self._held.pop(work, None)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.warning("consumer.left", consumer=self.source.name, reason=repr(error), exc_info=error)

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
                            self._durable, stream=self.source.stream
                        )
                    await self._fetch(subscription)
                    backoff.reset()
                except Exception as error:
                    self._ensured.clear()
                    expected = isinstance(error, NatsError | JetStreamError | TimeoutError | Unavailable)
                    level = log.info if expected else log.exception
                    level("consumer.waiting", consumer=self.source.name, reason=repr(error))
                    await asyncio.sleep(backoff.next())
        finally:
            if subscription is not None:
                with contextlib.suppress(NatsError):
                    await subscription.unsubscribe()

    async def _give_back(self, messages: list[Msg]) -> None:
        """Have the server deliver these again at once, to any node."""
        with contextlib.suppress(NatsError, Unavailable):
            for message in messages:
                message._client = self._bus.client
                await message.nak()

    async def _acknowledge(self, message: Msg) -> None:
        if not failpoint.drop("event.ack.lost", message):
            await (await self._answerable(message)).ack()

    async def _try_later(self, message: Msg, delivery: Delivery, error: Exception) -> None:
        wait = self._retries.wait(delivery.attempt)
        log.warning(
            "event.retry", listener=self.source.name, id=delivery.id, wait=wait, error=repr(error), exc_info=error
        )
        self._metrics.event_retries.labels(self.source.name).inc()
        await (await self._answerable(message)).nak(delay=wait)

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
        id = headers.get(names.ID, f"{self.source.stream}:{message.metadata.sequence.stream}")
        at = stored
        with contextlib.suppress(ValueError):
            at = type(stored).fromisoformat(headers.get(names.AT, ""))
        with contextlib.suppress(Exception):
            id, at = self.source.read(message.data, id, at)
        return Delivery(id=id, at=at, attempt=message.metadata.num_delivered or 1)

    def _count(self, outcome: str, deliveries: list[Delivery]) -> None:
        """Count what was `done`, `skipped` or `failed`, and how long that took since it was published."""
        self._metrics.events_handled.labels(self.source.name, outcome).inc(len(deliveries))
        if outcome == "done":
            now, seconds = clock.now(), self._metrics.event_seconds.labels(self.source.name)
            for delivery in deliveries:
                seconds.observe(max(0.0, (now - delivery.at).total_seconds()))

    async def _dead_letter(self, message: Msg, delivery: Delivery, error: str, cause: Exception | None = None) -> None:
        """Store the message as a dead letter, and take it out of its stream."""
        letter = DeadLetter(
            name=self.source.name,
            what=self.source.what_is(message.subject),
            id=delivery.id,
            at=delivery.at,
            attempts=min(delivery.attempt, self._retries.attempts),
            failed_at=clock.now(),
            error=error[-ERROR_LENGTH:],
            requeue=self.source.requeue,
            body=message.data.decode("utf-8", "replace"),
        )
        await self._dead.store(letter, f"dead:{self.source.name}:{message.metadata.sequence.stream}:{delivery.id}")
        last = error.strip().splitlines()[-1]
        log.error("event.dead", listener=self.source.name, id=delivery.id, error=last, exc_info=cause)
        self._metrics.dead_letters.labels(self.source.name).inc()
        failpoint.crash("kill.dead_letter")
        await (await self._answerable(message)).term()

    async def _report(self) -> None:
        """Tell the server that the held messages are in progress, and measure how many wait."""
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            if not self._bus.up:
                continue
            for message in [one for held in self._held.values() for one in held]:
                with contextlib.suppress(NatsError):
                    message._client = self._bus.client
                    await message.in_progress()
            with contextlib.suppress(NatsError, JetStreamError, TimeoutError):
                self._metrics.event_lag.labels(self.source.name).set(await self.waiting())

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
        await self._streams.ensure_for(self.source.stream)
        since = await self.source.since()
        subjects = list(self.source.subjects)
        jetstream = self._bus.jetstream
        try:
            config = (await jetstream.consumer_info(self.source.stream, self._durable)).config
            known = config.filter_subjects or [str(config.filter_subject)]
            if self._configured:
                # A gateway of a newer release may have added some since. It would miss them if they were taken away.
                subjects = sorted({*known, *subjects})
            if sorted(known) == sorted(subjects) and config.ack_wait == self._ack_wait:
                self._configured = True
                return
            config = config.evolve(filter_subject=None, filter_subjects=subjects, ack_wait=self._ack_wait)
        except NotFoundError:
            config = ConsumerConfig(
                durable_name=self._durable,
                description=self.source.what,
                filter_subjects=subjects,
                deliver_policy=DeliverPolicy.ALL if since is None else DeliverPolicy.BY_START_TIME,
                opt_start_time=None if since is None else since - CLOCK_SLACK,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait,
                # The tries are counted here, because an absent database must not use them up.
                max_deliver=-1,
                max_ack_pending=self.max_ack_pending,
            )
        await jetstream.add_consumer(self.source.stream, config)
        self._configured = True
