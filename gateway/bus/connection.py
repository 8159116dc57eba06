"""The connection to NATS. It lasts for the life of the process, and tells its users when NATS is away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import SlowConsumerError
from nats.js import JetStreamContext

from gateway.bus.inline_subscription import InlineSubscription, follow
from gateway.errors import Unavailable

log = structlog.get_logger(__name__)

Handler = Callable[[Msg], Awaitable[None]]


class NatsBus:
    """One connection to NATS, with pings that notice a hung server within seconds.

    While NATS is away, plain publishes are refused and not buffered. A buffered message that nobody waits for would
    come late. A message that somebody waits for is retried by its publisher.
    """

    def __init__(self, servers: Sequence[str], name: str) -> None:
        self._servers = list(servers)
        self._name = name
        self._client = Client()
        self._connecting = False
        self._back: list[Callable[[], Awaitable[None]]] = []
        self._lost: list[Callable[[], None]] = []
        self._up = asyncio.Event()
        self.lost_at: float | None = None

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def client(self) -> Client:
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        return self._client.jetstream(timeout=2.0)

    def on_lost(self, callback: Callable[[], None]) -> None:
        self._lost.append(callback)

    def on_back(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Add a callback for every reconnect; it runs when the server has the subscriptions again."""
        self._back.append(callback)

    async def connect(self) -> None:
        """Connect, and wait for the first server that answers; raises Unavailable after a few seconds."""
        # A client whose first connect was given up cannot be used again.
        self._client = Client()
        self._connecting = True
        try:
            await asyncio.wait_for(
                self._client.connect(
                    servers=self._servers,
                    name=self._name,
                    connect_timeout=2,
                    reconnect_time_wait=0.25,  # type: ignore[arg-type]  # slept as it is
                    max_reconnect_attempts=-1,
                    allow_reconnect=True,
                    # The default of 120 s would hide a hung server for minutes.
                    ping_interval=2,
                    max_outstanding_pings=2,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    error_cb=self._error,
                ),
                timeout=5.0,
            )
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise Unavailable(f"NATS does not answer: {error or type(error).__name__}") from error
        self._up.set()
        self.lost_at = None

    async def close(self) -> None:
        self._up.clear()
        # A client that was never told to connect has nothing to close, and nats-py would raise.
        if self._connecting and not self._client.is_closed:
            # What is not sent yet may be lost when the server is away. Closing goes on all the same.
            with contextlib.suppress(OSError, nats.errors.Error):
                await self._client.close()

    async def wait_up(self, timeout: float) -> None:
        """Wait until NATS is there; raises Unavailable after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            raise Unavailable("NATS is away") from None

    async def publish(self, subject: str, body: bytes, *, reply: str = "") -> None:
        """Publish at most once over core NATS; raises Unavailable when it is away."""
        if not self.up:
            raise Unavailable("NATS is away")
        await self._client.publish(subject, body, reply=reply)

    async def request(self, subject: str, body: bytes, *, timeout: float = 2.0) -> Msg:
        """Ask and wait for one answer; raises Unavailable."""
        if not self.up:
            raise Unavailable("NATS is away")
        try:
            return await self._client.request(subject, body, timeout=timeout)
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable(f"NATS does not answer: {type(error).__name__}") from error

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        """Subscribe; messages are handled one by one, in the order they come. What a handler raises is logged."""
        return await self._client.subscribe(subject, cb=handler)

    async def follow(self, subject: str, handler: Callable[[Msg], None]) -> InlineSubscription:
        """Subscribe with a handler that does not wait. Each message is handled as it is read; raises Unavailable."""
        try:
            return await follow(self._client, subject, handler)
        except nats.errors.Error as error:
            raise Unavailable("NATS is away") from error

    async def _disconnected(self) -> None:
        if not self._up.is_set():
            return
        self._up.clear()
        self.lost_at = time.monotonic()
        log.warning("bus.lost")
        for callback in self._lost:
            callback()

    async def _reconnected(self) -> None:
        self._up.set()
        away = time.monotonic() - self.lost_at if self.lost_at is not None else 0.0
        self.lost_at = None
        log.info("bus.back", away=round(away, 3))
        for callback in self._back:
            try:
                await callback()
            except Unavailable:
                log.warning("bus.back_interrupted")

    async def _error(self, error: Exception) -> None:
        """Log what nats-py reports: its own errors, and what a subscription's handler raised."""
        if isinstance(error, SlowConsumerError):
            log.error("bus.slow_consumer", subject=error.subject)
        elif isinstance(error, nats.errors.Error | OSError):
            log.debug("bus.error", error=repr(error))
        else:
            log.error("bus.handler_failed", exc_info=error)
