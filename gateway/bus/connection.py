"""The connection to NATS. It lasts for the life of the process, and tells its users when NATS is away."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext

from gateway.backoff import Backoff
from gateway.bus.client import NatsClient, NotPermitted
from gateway.bus.inline_subscription import InlineSubscription
from gateway.bus.queued_subscription import QueuedSubscription
from gateway.bus.single_flight import SingleFlight
from gateway.errors import BadInput, Code, KsmpError, Unavailable, invalid
from gateway.nats_address import NatsAddress
from gateway.tasks import end

log = structlog.get_logger(__name__)

Handler = Callable[[Msg], Awaitable[None]]

# A connection that lasted so many seconds was a good one: the next loss is answered at once again.
GOOD: Final = 10.0
# The same error of the server is logged once in so many seconds.
REPEATED: Final = 10.0
REMEMBERED: Final = 1000
CLOSE_TIMEOUT: Final = 1.0
# After a refusal that is about one user, who may try again after so many seconds.
REFUSED_WAIT: Final = 5.0


class NatsBus:
    """One connection to NATS at a time, with pings that notice a hung server within seconds.

    When a connection ends, for whatever reason, another one is opened and gets all subscriptions. While NATS is away,
    plain publishes are refused and not buffered. A buffered message that nobody waits for would come late. A message
    that somebody waits for is retried by its publisher.
    """

    def __init__(self, servers: Sequence[str], name: str) -> None:
        self._servers = servers
        self._name = name
        self._client: NatsClient | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._back: list[Callable[[], Awaitable[None]]] = []
        self._lost: list[Callable[[], None]] = []
        self._up = asyncio.Event()
        # All that every connection must have, in the order they came, and those of them that no server was told of.
        self._subscriptions: dict[Subscription, None] = {}
        self._new: list[Subscription] = []
        self._refused: set[Subscription] = set()
        self._registering: SingleFlight[None] = SingleFlight(self._register_new)
        self._doubt = asyncio.Event()
        self._logged: dict[str, float] = {}
        # Since when NATS is away, on the monotonic clock; None while it is there.
        self.lost_at: float | None = time.monotonic()

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def state(self) -> str:
        """`ok`, `away`, or `refused`: the server does not let this gateway hear all that it must hear."""
        return "away" if not self.up else "refused" if self._refused else "ok"

    @property
    def client(self) -> NatsClient:
        """The present connection, or the last one; raises Unavailable before the first."""
        if self._client is None:
            raise Unavailable("NATS is away")
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        return self.client.jetstream(timeout=2.0)

    def on_lost(self, callback: Callable[[], None]) -> None:
        self._lost.append(callback)

    def on_back(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Add a callback for every reconnect; it runs when the server has the subscriptions again."""
        self._back.append(callback)

    async def connect(self) -> None:
        """Connect to the first server that answers, and stay connected; raises Unavailable after a few seconds."""
        self._client = await self._open()
        try:
            await self._register_all()
        except BaseException:
            self._client.cut()
            raise
        self._set_up()
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """What was published before has left when the server is there. Subscriptions end."""
        self._up.clear()
        queues = [found.task for found in self._subscriptions if isinstance(found, QueuedSubscription)]
        await end([*([self._keeper] if self._keeper is not None else []), *queues])
        self._keeper = None
        self._subscriptions.clear()
        self._refused.clear()
        if self._client is not None:
            with contextlib.suppress(TimeoutError, OSError, errors.Error):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._client.settle()
            self._client.cut()

    async def wait_up(self, timeout: float) -> None:
        """Wait until NATS is there; raises Unavailable after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            raise Unavailable("NATS is away") from None

    async def publish(self, subject: str, body: bytes, *, reply: str = "") -> None:
        """Publish at most once over core NATS; raises Unavailable when it is away, BadInput `too_large`."""
        if not self.up:
            raise Unavailable("NATS is away")
        try:
            await self.client.publish(subject, body, reply=reply)
        except errors.Error as error:
            raise told(error) from error

    async def request(
        self, subject: str, body: bytes, *, timeout: float = 2.0, headers: dict[str, str] | None = None
    ) -> Msg:
        """Ask and wait for one answer; raises Unavailable, and BadInput `too_large`."""
        if not self.up:
            raise Unavailable("NATS is away")
        try:
            return await self.client.request(subject, body, timeout=timeout, headers=headers)
        except (errors.Error, OSError) as error:
            raise told(error) from error

    async def subscribe(self, subject: str, handler: Handler) -> None:
        """Subscribe until the bus closes; messages are handled one by one, in the order they come.

        What a handler raises is logged. The subscription is made as soon as NATS is there and accepts it.
        """
        subscription = QueuedSubscription(subject, handler)
        self._subscriptions[subscription] = None
        # Also while a reconnect is registering: it looks here last.
        self._new.append(subscription)
        if self.up:
            with contextlib.suppress(Unavailable):
                await self._registering()

    async def follow(
        self, subject: str, handler: Callable[[Msg], None], on_refused: Callable[[], None] | None = None
    ) -> InlineSubscription:
        """Subscribe with a handler that does not wait. Each message is handled as it is read.

        When this returns, the server has the subscription. Raises Unavailable when NATS is away, and when the server
        refuses, for example because of a limit. `on_refused` is called when it refuses later, as after a reconnect, and
        ends the subscription. Without it the bus tries again.
        """
        if not self.up:
            raise Unavailable("NATS is away")
        subscription = InlineSubscription(subject, handler, on_refused)
        self._subscriptions[subscription] = None
        self._new.append(subscription)
        try:
            await self._registering()
            if subscription in self._refused:
                raise Unavailable("NATS refused the subscription", retry_after=REFUSED_WAIT)
        except BaseException:
            await self.unfollow(subscription)
            raise
        return subscription

    async def unfollow(self, subscription: InlineSubscription) -> None:
        """End a subscription; nothing comes any more."""
        self._subscriptions.pop(subscription, None)
        self._refused.discard(subscription)
        if subscription in self._new:
            self._new.remove(subscription)
        if self._client is not None:
            with contextlib.suppress(errors.Error, OSError):
                await self._client.drop(subscription)

    async def _open(self) -> NatsClient:
        """A connection to a server, whichever answers first of them in random order; raises Unavailable."""
        addresses = [NatsAddress.parse(server) for server in self._servers]
        reason = "no server"
        for address in random.sample(addresses, len(addresses)):
            try:
                return await NatsClient.open(address, self._name, on_error=self._log_error, on_doubt=self._doubt.set)
            except (errors.Error, OSError, ValueError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                log.debug("bus.refused", server=address.url, reason=reason)
        raise Unavailable(f"NATS does not answer: {reason}")

    async def _keep(self) -> None:
        """Open another connection whenever one has ended, and make sure of the subscriptions meanwhile."""
        backoff = Backoff(0.1, 2.0)
        while True:
            client, since = self.client, time.monotonic()
            watch = asyncio.get_running_loop().create_task(self._watch_subscriptions(client))
            try:
                reason = await asyncio.shield(client.ended)
            finally:
                await end([watch])
            self._set_down(reason)
            if time.monotonic() - since > GOOD:
                backoff.reset()
            while True:
                # Not all gateways at the same moment.
                await asyncio.sleep(backoff.next() * random.uniform(0.5, 1.5))  # noqa: S311
                if await self._reconnected():
                    break

    async def _reconnected(self) -> bool:
        """Try once to open another connection with all subscriptions; whether that worked."""
        try:
            self._client = await self._open()
            await self._register_all()
        except Unavailable as error:
            self._log_limited("bus.waiting", error.message)
        except Exception:
            log.exception("bus.reconnect_failed")
        else:
            away = time.monotonic() - (self.lost_at or time.monotonic())
            self._set_up()
            log.info("bus.back", away=round(away, 3))
            await self._tell_back()
            return True
        self.client.cut()
        return False

    async def _tell_back(self) -> None:
        for callback in self._back:
            try:
                await callback()
            except Unavailable:
                log.warning("bus.back_interrupted")
            except Exception:
                log.exception("bus.back_failed")

    async def _watch_subscriptions(self, client: NatsClient) -> None:
        """Make subscriptions again that the server has dropped by itself or refused."""
        backoff = Backoff(1.0, 30.0)
        while True:
            if not self._refused:
                backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next() if self._refused else None):
                    await self._doubt.wait()
            # A doubt may be about any of them, also about one that nats-py made for a pull consumer.
            held = (*client._subs.values(), *self._subscriptions) if self._doubt.is_set() else ()
            self._doubt.clear()
            try:
                self._take_refused(await self._register(list(dict.fromkeys([*held, *self._refused]))))
            except Unavailable:
                # The connection may live on.
                await asyncio.sleep(backoff.next())

    async def _register_all(self) -> None:
        """Give a new connection all subscriptions, also those that come meanwhile; raises Unavailable."""
        self._doubt.clear()
        self._refused.intersection_update(self._subscriptions)
        self._new.clear()
        self._take_refused(await self._register(list(self._subscriptions)))
        while self._new:
            await self._register_new()

    async def _register_new(self) -> None:
        new, self._new = self._new, []
        refused = await self._register(new, again=False)
        self._refused.update(one for one in refused if one in self._subscriptions)

    async def _register(self, subscriptions: Sequence[Subscription], *, again: bool = True) -> list[Subscription]:
        """Make these at the server; returns those that it refused.

        Raises Unavailable, after which it is in doubt which ones the server has.
        """
        client = self.client
        owned = [one for one in subscriptions if one in self._subscriptions]
        try:
            refused = await client.register(subscriptions, again=again)
            for one in owned:
                if one not in self._subscriptions:
                    # Its owner went away meanwhile.
                    await client.drop(one)
        except (errors.Error, OSError) as error:
            self._doubt.set()
            raise told(error) from error
        self._refused.difference_update(subscriptions)
        return refused

    def _take_refused(self, subscriptions: Sequence[Subscription]) -> None:
        """Give up those whose owner wants to hear of it; the others are tried again later."""
        for subscription in subscriptions:
            on_refused = subscription.on_refused if isinstance(subscription, InlineSubscription) else None
            if on_refused is None:
                self._refused.add(subscription)
                log.error("bus.subscription_refused", subject=subscription.subject)
            elif subscription in self._subscriptions:
                del self._subscriptions[subscription]
                on_refused()

    def _set_up(self) -> None:
        self.lost_at = None
        self._up.set()

    def _set_down(self, reason: str) -> None:
        self._up.clear()
        self.lost_at = time.monotonic()
        log.warning("bus.lost", reason=reason)
        for callback in self._lost:
            callback()

    def _log_error(self, text: str) -> None:
        self._log_limited("bus.error", text)

    def _log_limited(self, event: str, reason: str) -> None:
        """The same line comes once in some seconds, because a client may cause it with every message."""
        now = time.monotonic()
        if now - self._logged.get(f"{event} {reason}", -REPEATED) < REPEATED:
            return
        if len(self._logged) >= REMEMBERED:
            self._logged.clear()
        self._logged[f"{event} {reason}"] = now
        log.warning(event, reason=reason)


def told(error: Exception) -> KsmpError:
    """What the caller of a request is told about an error of nats-py; one that the caller caused is the caller's."""
    if isinstance(error, errors.MaxPayloadError):
        return BadInput(Code.TOO_LARGE, "this is larger than the messages that NATS takes")
    if isinstance(error, errors.BadSubjectError | errors.BadHeaderError):
        return invalid(f"NATS cannot send this: {error}")
    if isinstance(error, NotPermitted):
        return Unavailable("NATS refuses this gateway what it needs here", retry_after=REFUSED_WAIT)
    return Unavailable(f"NATS does not answer: {error or type(error).__name__}")
