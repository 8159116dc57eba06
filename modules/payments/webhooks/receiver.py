"""Takes webhooks: the signature of the raw body first, then the row and its event, then the answer.

A webhook is handled later (`handler.py`), so the answer does not wait for that. One that comes again is answered alike,
and changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog
from cachetools import LRUCache

from gateway import clock
from gateway.batching import Batched
from gateway.client_network import network_of
from gateway.contract import Kernel
from gateway.errors import Limited
from gateway.protocol.bucket import Bucket
from modules.payments.errors import bad_signature
from modules.payments.events import WebhookReceived
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor import signatures
from modules.payments.webhooks import metrics
from modules.payments.webhooks.envelope import Envelope, opened
from modules.payments.webhooks.repository import WebhookRepository

log = structlog.get_logger(__name__)

# Razorpay's ids of events are short; another is taken for none.
EVENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Addresses whose wrong signatures are remembered.
ADDRESSES: Final = 10_000
# Razorpay's webhooks are smaller than this. Such a body is looked at whoever sent it: its signature costs microseconds.
SMALL: Final = 32 * 1024


class Told(msgspec.Struct, frozen=True):
    """A webhook that is to be stored, under its id, or else under that of its body."""

    id: str
    by_body: str
    envelope: Envelope


class WebhookReceiver:
    def __init__(self, kernel: Kernel, settings: PaymentsSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._webhooks = WebhookRepository(kernel.database)
        self._stored: Batched[Told, None] = Batched(self._store)
        # Whose signatures were wrong, and how many more of them are looked at now.
        self._suspects: LRUCache[str, Bucket] = LRUCache(ADDRESSES)

    def check_sender(self, host: str, signature: str | None, length: int | None) -> None:
        """Before the body is read. Raises BadInput without a signature, and Limited after too many wrong ones.

        A stranger may share the address with Razorpay, behind a proxy. So a body of a known, small length passes.
        """
        if signature is None or length is None or length > SMALL:
            self._check_limit(host)
        if signature is None:
            self._refuse(host, "no_signature")
            raise bad_signature()

    async def receive(self, host: str, body: bytes, signature: str, event_id: str | None) -> None:
        """Store a webhook, once, with its event. Raises BadInput `payments.bad_signature`, Limited and Unavailable."""
        if not signatures.webhook(body, signature, self._settings.webhook_secrets):
            self._check_limit(host)
            self._refuse(host, "bad_signature")
            raise bad_signature()
        by_body = f"sha256:{hashlib.sha256(body).hexdigest()}"
        known = event_id is not None and EVENT_ID.fullmatch(event_id)
        await self._stored(Told(f"evt:{event_id}" if known else by_body, by_body, opened(body)))

    async def _store(self, told: Sequence[Told]) -> Sequence[None]:
        """Those that come at the same moment share a transaction."""
        async with self._kernel.database.transaction():
            now, webhooks = clock.now(), {one.id: one.envelope for one in reversed(told)}
            added = await self._webhooks.add(webhooks, now)
            for one in told:
                if one.id not in added or webhooks[one.id] != one.envelope:
                    added |= await self._add_by_body(one, now)
            for id in sorted(added):
                await self._kernel.events.publish(WebhookReceived(id))
        metrics.received.labels("new").inc(len(added))
        metrics.received.labels("repeated").inc(len(told) - len(added))
        return [None] * len(told)

    async def _add_by_body(self, one: Told, now: datetime) -> set[str]:
        """The header with the id is not signed: another body under a known id is stored under its own hash."""
        if one.id == one.by_body or await self._webhooks.is_same(one.id, one.envelope):
            return set()
        return await self._webhooks.add({one.by_body: one.envelope}, now)

    def _check_limit(self, host: str) -> None:
        suspect = self._suspects.get(network_of(host))
        if suspect is not None and suspect.level(time.monotonic()) < 1.0:
            metrics.refused.labels("limited").inc()
            raise Limited("too many webhooks with a wrong signature", retry_after=1.0 / suspect.rate)

    def _refuse(self, host: str, why: str) -> None:
        metrics.refused.labels(why).inc()
        network = network_of(host)
        suspect = self._suspects.get(network)
        if suspect is None:
            suspect = Bucket(self._settings.bad_webhook_rate, self._settings.bad_webhook_burst)
            self._suspects[network] = suspect
            log.warning("webhooks.refused", why=why, address=network)
        suspect.take(time.monotonic())
