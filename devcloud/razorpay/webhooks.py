"""Sends events to the webhooks: signed, retried for a day, and with the faults that are switched on.

Events of one order go one after the other, different orders at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections import deque

import aiohttp
import msgspec

from devcloud.clock import VirtualClock
from devcloud.document import Document
from devcloud.faults import FaultSwitch
from devcloud.razorpay.entities import new_id
from devcloud.razorpay.state import Attempt, Delivery, Store, Webhook
from devcloud.razorpay.timers import Timers

REMEMBERED = 10_000
AT_ONCE = 16
REPLAYED_SECONDS = 7 * 86_400


def signature(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in hexadecimal digits, as Razorpay signs everything."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Webhooks:
    """`sent` holds the last events that happened, those included that no webhook gets."""

    def __init__(self, store: Store, clock: VirtualClock, timers: Timers, faults: FaultSwitch) -> None:
        self.sent: deque[Document] = deque(maxlen=REMEMBERED)
        self._store = store
        self._clock = clock
        self._timers = timers
        self._faults = faults
        self._lanes: dict[str, deque[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._held: str | None = None
        # The key of a delivery, and of the one that waits until it was sent.
        self._behind: dict[str, str] = {}
        self._client: aiohttp.ClientSession | None = None
        timers.handle("deliver", self._queue)
        timers.handle("release", self._release)

    async def close(self) -> None:
        """Stop sending; what was not delivered is sent after the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def resume(self) -> None:
        """Send what a former run was about to send. What is late or to be retried has its time already."""
        planned = {job.subject for job in self._store.state.jobs.values() if job.kind == "deliver"}
        for key, delivery in self._store.state.deliveries.items():
            if not delivery.given_up and key not in planned:
                self._queue(key)

    def forget(self) -> None:
        """Forget what happened and what waits."""
        self.sent.clear()
        self._lanes.clear()
        self._behind.clear()
        self._held = None

    def emit(self, event: str, subject: str, **entities: Document) -> None:
        """Let an event have happened now. Its payload keeps the entities as they are at this moment."""
        event_id = new_id("").removeprefix("_")
        body = {
            "entity": "event",
            "account_id": self._store.state.settings.account_id,
            "event": event,
            "contains": list(entities),
            "payload": {name: {"entity": entity} for name, entity in entities.items()},
            "created_at": self._clock.seconds(),
        }
        raw = msgspec.json.encode(body).decode()
        self.sent.append({"id": event_id, **body})
        for webhook in self._store.state.webhooks.values():
            if webhook.active and ("*" in webhook.events or event in webhook.events):
                self._dispatch(webhook, event_id, event, subject, raw)

    def _dispatch(self, webhook: Webhook, event_id: str, event: str, subject: str, raw: str) -> None:
        faults, chance = self._faults.faults.webhooks, self._faults.webhook_random.random
        # Each event draws the same number of times, so that one fault does not change whom another one hits.
        lost, late, twice, held = (
            chance() < share for share in (faults.lose, faults.delay, faults.repeat, faults.reorder)
        )
        wait = chance() * faults.delay_seconds if faults.delay_varies else faults.delay_seconds
        touched = not faults.events or event in faults.events
        if touched and lost:
            return
        delivery = Delivery(
            key=f"{event_id}.{webhook.id}",
            event_id=event_id,
            event=event,
            subject=subject,
            webhook_id=webhook.id,
            secret=webhook.secret,
            body=raw,
            created_at=self._clock.now(),
            copies=2 if touched and twice else 1,
        )
        self._store.state.deliveries[delivery.key] = delivery
        self._store.touch()
        if touched and late:
            self._timers.after(wait, "deliver", delivery.key)
        elif touched and held and self._held is None:
            self._held = delivery.key
            self._timers.after(faults.hold_seconds, "release", delivery.key)
        else:
            if self._held is not None:
                self._behind[delivery.key], self._held = self._held, None
            self._queue(delivery.key)

    def _release(self, key: str) -> None:
        """The time of an event that was held back is over."""
        if self._held == key:
            self._held = None
            self._queue(key)

    def _queue(self, key: str) -> None:
        delivery = self._store.state.deliveries.get(key)
        if delivery is None or delivery.given_up:
            return
        lane = self._lanes.get(delivery.subject)
        if lane is not None:
            lane.append(key)
            return
        self._lanes[delivery.subject] = deque([key])
        task = asyncio.create_task(self._drive(delivery.subject))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, subject: str) -> None:
        try:
            while lane := self._lanes.get(subject):
                key = lane.popleft()
                delivery = self._store.state.deliveries.get(key)
                if delivery is not None:
                    async with self._at_once:
                        await self._deliver(delivery)
                behind = self._behind.pop(key, None)
                if behind is not None:
                    self._queue(behind)
        finally:
            self._lanes.pop(subject, None)

    async def idle(self) -> None:
        """Wait until nothing is being sent. What is late, held back or to be retried is not waited for."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _deliver(self, delivery: Delivery) -> None:
        webhook = self._store.state.webhooks.get(delivery.webhook_id)
        if webhook is None or not webhook.active:
            delivery.given_up = True
            return
        delivered = False
        for _ in range(delivery.copies):
            attempt = await self._reach(webhook, delivery)
            delivery.attempts.append(attempt)
            delivered = delivered or 200 <= attempt.status < 300
        delivery.copies = 1
        if delivered:
            webhook.succeeded_at = self._clock.now()
            self._store.state.deliveries.pop(delivery.key, None)
        else:
            self._retry(webhook, delivery)
        self._store.touch()

    async def _reach(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """One try, at the first of the webhook's addresses where something listens."""
        for url in (webhook.url, *webhook.others):
            with contextlib.suppress(aiohttp.ClientConnectorError):
                return await self._attempt(url, delivery)
        return Attempt(at=self._clock.now(), error=f"nothing listens at {webhook.url}")

    async def _attempt(self, url: str, delivery: Delivery) -> Attempt:
        """Raises ClientConnectorError when no connection can be made."""
        body = delivery.body.encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "Razorpay-Webhook/v1",
            "x-razorpay-signature": signature(delivery.secret, body),
            "x-razorpay-event-id": delivery.event_id,
        }
        at = self._clock.now()
        timeout = aiohttp.ClientTimeout(total=self._store.state.settings.webhook_timeout_seconds)
        if self._client is None:
            # httpx takes three times as long for each, which a run of a thousand checkouts feels.
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))
        try:
            async with self._client.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return Attempt(at=at, status=answer.status)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Attempt(at=at, error=str(error) or type(error).__name__)

    def _retry(self, webhook: Webhook, delivery: Delivery) -> None:
        settings = self._store.state.settings
        end = delivery.created_at + settings.webhook_give_up_seconds
        now = self._clock.now()
        if now >= end:
            delivery.given_up = True
            # Razorpay disables a webhook that fails for the whole time, not one with a single bad event.
            if (webhook.succeeded_at or 0.0) < delivery.created_at:
                webhook.active, webhook.disabled_at = False, now
            return
        pause = settings.webhook_first_retry_seconds * 2.0 ** (len(delivery.attempts) - 1)
        self._timers.at(min(now + pause, end), "deliver", delivery.key)

    def replay(self) -> int:
        """Send again what was never acknowledged in the last 7 days, signed with today's secret; says how many."""
        since, count = self._clock.now() - REPLAYED_SECONDS, 0
        for delivery in list(self._store.state.deliveries.values()):
            webhook = self._store.state.webhooks.get(delivery.webhook_id)
            if delivery.given_up and delivery.created_at >= since and webhook is not None:
                webhook.active, webhook.disabled_at = True, None
                delivery.given_up, delivery.secret, delivery.attempts = False, webhook.secret, []
                self._queue(delivery.key)
                count += 1
        return count
