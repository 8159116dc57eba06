"""Sends the webhooks that are due, outside of transactions, and writes down what became of them.

Each gateway looks for itself. What it takes has a claim that lapses, so a gateway that dies loses nothing: its webhooks
are sent by another one, some of them twice, with the same `webhook-id`. Tries of one webhook are further apart each
time, at random in the last part of the pause, so that a receiver which comes back is not called by all at once. An
endpoint that failed some times in a row is left alone for a while, with all that waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.backoff import doubled
from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.tasks import end, repeat
from modules.accounts.facade import record
from modules.integrations.settings import WebhookSettings
from modules.integrations.webhooks import metrics
from modules.integrations.webhooks.client import Answer, WebhookClient
from modules.integrations.webhooks.delivery_repository import ClaimedDelivery, DeliveryRepository
from modules.integrations.webhooks.endpoint_repository import EndpointRepository
from modules.integrations.webhooks.signatures import signed_headers
from modules.integrations.webhooks.states import DisabledReason, Fault

log = structlog.get_logger(__name__)

# Seconds beyond the time of a try for which a claim holds: for the statements around it.
SLACK: Final = 30.0
# An endpoint is left alone from this failure in a row on, and for how long at most.
HELD_FROM: Final = 5
HELD_LONGEST: Final = 300.0
SWEEP: Final = 3600.0
GONE: Final = 410


class WebhookSender:
    """Runs as long as the gateway does, where `KSMP_INTEGRATIONS_WEBHOOKS_AT_ONCE` is not 0."""

    def __init__(
        self, kernel: Kernel, settings: WebhookSettings, endpoints: EndpointRepository, deliveries: DeliveryRepository
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._lease = timedelta(seconds=settings.webhook_timeout + SLACK)
        self._sending: dict[asyncio.Task[None], uuid.UUID] = {}
        self._wake = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        if not self._settings.webhooks_at_once:
            yield
            return
        client = await WebhookClient.open(self._settings)
        loop = asyncio.get_running_loop()
        looking = loop.create_task(self._look_again_and_again(client))
        sweeping = loop.create_task(repeat("webhooks.sweep", self.sweep, SWEEP, at_once=False))
        try:
            yield
        finally:
            await end([looking, sweeping])
            if self._sending:
                # What is sent twice costs the receiver more than this wait costs us.
                await asyncio.wait(list(self._sending), timeout=self._settings.webhook_timeout)
            await end(list(self._sending))
            await client.close()

    async def _look_again_and_again(self, client: WebhookClient) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look(client)
            except Unavailable as error:
                log.info("webhooks.waits", reason=error.message)
            except Exception:
                log.exception("webhooks.failed")
            # The end of a try wakes it: the next event of the subject may follow.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.webhook_interval):
                    await self._wake.wait()

    async def _look(self, client: WebhookClient) -> None:
        room = self._settings.webhooks_at_once - len(self._sending)
        if room <= 0:
            return
        claim = uuid.uuid4()
        taken = await self._deliveries.claim(
            claim,
            clock.now(),
            self._lease,
            busy=Counter(self._sending.values()),
            each=self._settings.webhooks_per_endpoint,
            most=room,
        )
        for delivery in taken:
            task = asyncio.get_running_loop().create_task(self._send(client, delivery, claim))
            self._sending[task] = delivery.endpoint_id
            task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its claim lapses, and it is sent again.
            log.warning("webhooks.outcome_lost", reason=repr(error), exc_info=error)

    async def _send(self, client: WebhookClient, delivery: ClaimedDelivery, claim: uuid.UUID) -> None:
        body = delivery.body.encode()
        secrets = filter(None, (delivery.secret, delivery.former_secret))
        headers = signed_headers(str(delivery.event_id), int(clock.now_seconds()), body, secrets)
        answer = await client.send(delivery.url, headers, body)
        metrics.tries.labels(answer.fault.value or "none").inc()
        if answer.fault is Fault.NONE:
            await self._endpoints.succeeded(delivery.endpoint_id)
            await self._deliveries.delivered(delivery.id, claim, answer.status, clock.now())
            return
        log.info(
            "webhooks.fault",
            endpoint=str(delivery.endpoint_id),
            delivery=delivery.id,
            fault=answer.fault.value,
            status=answer.status,
        )
        async with self._kernel.database.transaction():
            await self._note_failure(delivery, claim, answer, clock.now())

    async def _note_failure(self, delivery: ClaimedDelivery, claim: uuid.UUID, answer: Answer, now: datetime) -> None:
        settings = self._settings
        # The endpoint first, here as wherever both are written.
        failing = await self._endpoints.failed(delivery.endpoint_id, now)
        if delivery.attempts >= settings.webhook_attempts or answer.status == GONE:
            await self._deliveries.failed(delivery.id, claim, answer.status, answer.fault, now)
        else:
            pause = timedelta(seconds=self.pause(delivery.attempts, answer.retry_after))
            await self._deliveries.again(delivery.id, claim, answer.status, answer.fault, now + pause)
        if answer.status == GONE:
            await self._disable(delivery, failing.service_id, DisabledReason.GONE, now)
        elif failing.failures >= settings.disable_failures and now - failing.failing_since >= timedelta(
            seconds=settings.disable_after
        ):
            await self._disable(delivery, failing.service_id, DisabledReason.FAILING, now)
        elif failing.failures >= HELD_FROM:
            held = doubled(failing.failures - HELD_FROM + 1, settings.retry_first, HELD_LONGEST)
            await self._endpoints.hold(delivery.endpoint_id, now + timedelta(seconds=held))

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds until the next try: at least what the receiver asked for."""
        settings = self._settings
        backoff = doubled(attempt, settings.retry_first, settings.retry_longest)
        return max(asked or 0.0, backoff * random.uniform(0.75, 1.0))  # noqa: S311

    async def _disable(
        self, delivery: ClaimedDelivery, service: uuid.UUID, reason: DisabledReason, now: datetime
    ) -> None:
        if not await self._endpoints.disable(delivery.endpoint_id, reason):
            return
        await self._deliveries.give_up(delivery.endpoint_id, now)
        details = {"endpoint": str(delivery.endpoint_id), "reason": reason.value}
        await record(self._kernel.database, "integrations", "integrations.disable_endpoint", str(service), details)
        metrics.disabled.labels(reason.value).inc()
        log.warning("webhooks.disabled", **details)

    async def sweep(self) -> None:
        """Delete what is old."""
        before = clock.now() - timedelta(days=self._settings.webhook_days)
        while await self._deliveries.sweep(before):
            pass
