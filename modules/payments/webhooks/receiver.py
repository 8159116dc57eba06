"""Takes webhooks: the signature of the raw body first, then the row and its event, then the answer.

A webhook is handled later (`handler.py`), so the answer does not wait for that. One that comes again is answered alike,
and changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Final

import structlog
from cachetools import LRUCache

from gateway import clock
from gateway.client_network import network_of
from gateway.contract import Kernel
from gateway.errors import Limited
from gateway.protocol.bucket import Bucket
from modules.payments.errors import bad_signature
from modules.payments.events import WebhookReceived
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor import signatures
from modules.payments.webhooks import metrics
from modules.payments.webhooks.envelope import opened
from modules.payments.webhooks.repository import WebhookRepository

log = structlog.get_logger(__name__)

# Razorpay's ids of events are short; another is taken for none.
EVENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Addresses whose wrong signatures are remembered.
ADDRESSES: Final = 10_000


class WebhookReceiver:
    def __init__(self, kernel: Kernel, settings: PaymentsSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._webhooks = WebhookRepository(kernel.database)
        # Whose signatures were wrong, and how many more of them are looked at now.
        self._suspects: LRUCache[str, Bucket] = LRUCache(ADDRESSES)

    def check_sender(self, host: str, signature: str | None) -> None:
        """Before the body is read. Raises BadInput without a signature, and Limited after too many wrong ones."""
        suspect = self._suspects.get(network_of(host))
        if suspect is not None and suspect.level(time.monotonic()) < 1.0:
            metrics.refused.labels("limited").inc()
            raise Limited("too many webhooks with a wrong signature", retry_after=1.0 / suspect.rate)
        if signature is None:
            self._refuse(host, "no_signature")
            raise bad_signature()

    async def receive(self, host: str, body: bytes, signature: str, event_id: str | None) -> None:
        """Store a webhook, once, with its event. Raises BadInput `payments.bad_signature`, and Unavailable."""
        if not signatures.webhook(body, signature, self._settings.webhook_secrets):
            self._refuse(host, "bad_signature")
            raise bad_signature()
        envelope = opened(body)
        digest = hashlib.sha256(body).hexdigest()
        known = event_id is not None and EVENT_ID.fullmatch(event_id)
        id = f"evt:{event_id}" if known else f"sha256:{digest}"
        async with self._kernel.database.transaction():
            now = clock.now()
            added = await self._webhooks.add(id, envelope, now)
            if not added and known and not await self._webhooks.is_same(id, envelope):
                # The header is not signed. Another's id on this body must not suppress it.
                id = f"sha256:{digest}"
                added = await self._webhooks.add(id, envelope, now)
            if added:
                await self._kernel.events.publish(WebhookReceived(id))
        metrics.received.labels("new" if added else "repeated").inc()

    def _refuse(self, host: str, why: str) -> None:
        metrics.refused.labels(why).inc()
        network = network_of(host)
        suspect = self._suspects.get(network)
        if suspect is None:
            suspect = Bucket(self._settings.bad_webhook_rate, self._settings.bad_webhook_burst)
            self._suspects[network] = suspect
            log.warning("webhooks.refused", why=why, address=network)
        suspect.take(time.monotonic())
