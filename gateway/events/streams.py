"""Creates the JetStream streams EVENTS, TIMERS, DEAD_LETTERS and INTAKE where they are missing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable
from gateway.events import names
from gateway.settings import Settings

log = structlog.get_logger(__name__)

# Seconds for which JetStream drops a message with an id that it knows; after that the inbox does.
DUPLICATE_WINDOW: Final = 120.0


class EventStreams:
    """Creates streams; never changes one that exists."""

    def __init__(
        self,
        bus: NatsBus,
        *,
        replicas: int,
        retention: float,
        dead_retention: float,
        intake_bytes: int,
        intake_retention: float,
    ) -> None:
        self._bus = bus
        self._creating = asyncio.Lock()
        self._configs = (
            StreamConfig(
                name=names.EVENTS,
                description="Domain events, for durable consumers",
                subjects=["events.>", "requeued.>"],
                max_age=retention,
                duplicate_window=min(DUPLICATE_WINDOW, retention),
                num_replicas=replicas,
            ),
            StreamConfig(
                name=names.TIMERS,
                description="Timers: one subject each until it is due, then one subject a name",
                subjects=["timers.at.>", "timers.due.>"],
                # A handled timer is deleted. One that is not due yet has no consumer, and so stays.
                retention=RetentionPolicy.WORK_QUEUE,
                allow_msg_schedules=True,
                duplicate_window=DUPLICATE_WINDOW,
                num_replicas=replicas,
            ),
            StreamConfig(
                name=names.DEAD,
                description="Events and timers whose handlers gave up",
                subjects=["dead.>"],
                max_age=dead_retention,
                duplicate_window=min(DUPLICATE_WINDOW, dead_retention),
                num_replicas=replicas,
            ),
        )
        # It takes its room from the server's at once, so it may be refused where the others are not.
        self._intake = StreamConfig(
            name=names.INTAKE,
            description="What waits to be stored in batches, one subject an intake",
            subjects=["intake.>"],
            # What is stored makes room, and a full stream refuses what comes.
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            max_bytes=intake_bytes,
            max_age=intake_retention,
            duplicate_window=min(DUPLICATE_WINDOW, intake_retention),
            num_replicas=replicas,
        )

    @classmethod
    def of(cls, bus: NatsBus, settings: Settings) -> EventStreams:
        return cls(
            bus,
            replicas=settings.nats_replicas,
            retention=settings.event_retention,
            dead_retention=settings.dead_letter_retention,
            intake_bytes=settings.intake_bytes,
            intake_retention=settings.intake_retention,
        )

    async def ensure(self) -> dict[str, str]:
        """Create what is missing, but INTAKE. Returns the epoch of each: another one when a stream was created again.

        Raises Unavailable.
        """
        return {str(config.name): _epoch(await self._available(config)) for config in self._configs}

    async def ensure_for(self, stream: str) -> None:
        """Create what a consumer of this stream needs where it is missing; raises Unavailable."""
        await self.ensure()
        if stream == names.INTAKE:
            await self._available(self._intake)

    async def _available(self, config: StreamConfig) -> StreamInfo:
        if not self._bus.up:
            raise Unavailable("NATS is away")
        try:
            return await self._ensure(config)
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"JetStream does not answer: {error or type(error).__name__}") from error

    async def _ensure(self, config: StreamConfig) -> StreamInfo:
        try:
            return await self._bus.jetstream.stream_info(str(config.name))
        except NotFoundError:
            pass
        # Every consumer asks at once when a gateway starts. One of them creates the stream, the others find it.
        async with self._creating:
            with contextlib.suppress(NotFoundError):
                return await self._bus.jetstream.stream_info(str(config.name))
            try:
                info = await self._bus.jetstream.add_stream(config)
            except APIError:
                # Another gateway created it in the same moment.
                return await self._bus.jetstream.stream_info(str(config.name))
            log.info("events.stream_created", stream=config.name)
            return info


def _epoch(info: StreamInfo) -> str:
    return info.created.isoformat() if info.created else ""
