"""Runs events in one gateway process: the relay, and a consumer for each listener, timer, follower and intake."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from gateway.bus.connection import NatsBus
from gateway.contract.event_follower import EventFollower
from gateway.contract.intake import Intake
from gateway.contract.listener import Listener
from gateway.contract.timer import Timer
from gateway.db.database import PostgresDatabase
from gateway.events.batch_consumer import BatchConsumer
from gateway.events.batch_handler import BatchHandler, FollowerHandler, IntakeHandler
from gateway.events.consumer import Consumer
from gateway.events.dead_letters import DeadLetters
from gateway.events.durable_consumer import DurableConsumer, Retries, Services
from gateway.events.handled_until import HandledUntil
from gateway.events.inbox import Inbox
from gateway.events.message_handler import ListenerHandler, MessageHandler, TimerHandler
from gateway.events.relay import Relay, SendPush
from gateway.events.schedules import TimerRows
from gateway.events.streams import EventStreams
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics


class EventRuntime:
    """Starts without NATS and PostgreSQL too, and works as soon as they answer."""

    def __init__(
        self,
        bus: NatsBus,
        streams: EventStreams,
        database: PostgresDatabase,
        send_push: SendPush,
        listeners: Mapping[str, Listener],
        timers: Mapping[str, Timer],
        followers: Mapping[str, EventFollower],
        intakes: Mapping[str, Intake],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        self._handled_until: dict[str, HandledUntil] = {}
        self.relay = Relay(
            bus,
            streams,
            database,
            send_push,
            metrics,
            keep=settings.outbox_keep,
            # Longer than an event can be sent again, from the stream or from the outbox.
            inbox_keep=settings.event_retention + settings.outbox_keep,
        )
        inbox, rows = Inbox(database), TimerRows(database)
        handlers: list[MessageHandler] = [ListenerHandler(listener, database, inbox) for listener in listeners.values()]
        handlers += [TimerHandler(timer, database, rows) for timer in timers.values()]
        slots = asyncio.Semaphore(settings.event_concurrency)
        services = Services(
            bus,
            streams,
            database,
            DeadLetters(bus),
            metrics,
            Retries(attempts=settings.event_attempts, first=settings.event_backoff, most=settings.event_backoff_most),
            settings.event_ack_wait,
        )
        self.consumers: list[DurableConsumer] = [
            Consumer(
                handler,
                services,
                # A handler that calls a vendor has slots of its own: a vendor that hangs delays no other handler.
                slots=slots if handler.transactional else asyncio.Semaphore(settings.event_concurrency),
                in_flight=settings.event_concurrency,
            )
            for handler in handlers
        ]
        batched: list[BatchHandler] = [FollowerHandler(follower, inbox) for follower in followers.values()]
        batched += [IntakeHandler(intake) for intake in intakes.values()]
        for batch_handler in batched:
            consumer = BatchConsumer(batch_handler, services)
            self.consumers.append(consumer)
            self._handled_until[batch_handler.name] = HandledUntil(consumer, bus, database)

    def start(self) -> None:
        self._bus.on_back(self._back)
        self.relay.start()
        for consumer in self.consumers:
            consumer.start()

    async def handled_until(self, name: str) -> datetime:
        """See `gateway.contract.Events` and `Intakes`, for a follower or intake of any module."""
        return await self._handled_until[name]()

    async def drain(self, timeout: float) -> None:
        """Take no new messages, finish the running handlers, and return what takes longer than `timeout` seconds."""
        await asyncio.gather(*(consumer.drain(timeout) for consumer in self.consumers))

    async def stop(self) -> None:
        await self.drain(0.0)
        await self.relay.stop()

    async def _back(self) -> None:
        """After a reconnect, check that streams and consumers still exist: NATS may have lost its storage."""
        self.relay.check()
        for consumer in self.consumers:
            consumer.check()
