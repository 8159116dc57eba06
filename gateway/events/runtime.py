"""Runs events and timers in one gateway process: the relay, and a consumer for each listener and timer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.bus.connection import NatsBus
from gateway.contract.listener import Listener
from gateway.contract.timer import Timer
from gateway.db.database import PostgresDatabase
from gateway.events.consumer import Consumer, Retries
from gateway.events.dead_letters import DeadLetters
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
        database: PostgresDatabase,
        send_push: SendPush,
        listeners: Mapping[str, Listener],
        timers: Mapping[str, Timer],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        streams = EventStreams.of(bus, settings)
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
        dead = DeadLetters(bus)
        retries = Retries(
            attempts=settings.event_attempts, first=settings.event_backoff, most=settings.event_backoff_most
        )
        self.consumers = [
            Consumer(
                handler,
                bus,
                streams,
                database,
                dead,
                metrics,
                retries=retries,
                ack_wait=settings.event_ack_wait,
                # A handler that calls a vendor has slots of its own: a vendor that hangs delays no other handler.
                slots=slots if handler.transactional else asyncio.Semaphore(settings.event_concurrency),
                in_flight=settings.event_concurrency,
            )
            for handler in handlers
        ]

    def start(self) -> None:
        self._bus.on_back(self._back)
        self.relay.start()
        for consumer in self.consumers:
            consumer.start()

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
