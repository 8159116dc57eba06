"""Handles stored webhooks: each event of Razorpay's by name, in the transaction that marks it as handled.

Webhooks come in any order, and more than once. What they say is merged (`checkout/settlement.py`), so nothing here asks
whether something came before. A payment whose order is not known yet is kept there, and so is a refund without payment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import WebhookReceived
from modules.payments.vendor.entities import EntityT, VendorLink, VendorOrder, VendorPayment, VendorRefund, entity
from modules.payments.webhooks import metrics
from modules.payments.webhooks.envelope import Envelope
from modules.payments.webhooks.repository import WebhookRepository

log = structlog.get_logger(__name__)

Handle = Callable[[Envelope], Awaitable[None]]

# What these say is said by other events too, or is nothing that payments does anything about.
IGNORED: Final = frozenset(
    {
        "order.notification.delivered",
        "order.notification.failed",
        "payment.downtime.resolved",
        "payment.downtime.started",
        "payment.downtime.updated",
        # Links take no part payments.
        "payment_link.partially_paid",
        # How fast the bank pays out; processed or failed follows.
        "refund.speed_changed",
    }
)
# The largest set of label values: events that somebody invents count as one.
OTHER: Final = "other"


def entity_of(envelope: Envelope, kind: str, of: type[EntityT]) -> EntityT | None:
    """An entity of a webhook; None when it has none of the kind. Raises msgspec.ValidationError for what is no such."""
    raw = envelope.entities.get(kind)
    return None if raw is None else entity(of, raw)


class WebhookHandler:
    """`others` handles the events that belong to other packages, by name."""

    def __init__(self, kernel: Kernel, settlement: Settlement, others: Mapping[str, Handle]) -> None:
        self._webhooks = WebhookRepository(kernel.database)
        self._settlement = settlement
        self._handles: dict[str, Handle] = {
            "payment.authorized": self._payment,
            "payment.captured": self._payment,
            "payment.failed": self._payment,
            "order.paid": self._payment,
            "payment_link.paid": self._payment,
            "refund.created": self._refund,
            "refund.processed": self._refund,
            "refund.failed": self._refund,
            **others,
        }

    @listener(WebhookReceived, "payments.webhook")
    async def handle(self, received: WebhookReceived, delivery: Delivery) -> None:
        envelope = await self._webhooks.find(received.webhook_id)
        if envelope is None:
            return
        handle = self._handles.get(envelope.event)
        if handle is not None:
            await handle(envelope)
        elif envelope.event not in IGNORED:
            log.info("webhooks.unknown", event_name=envelope.event, webhook=received.webhook_id)
        now = clock.now()
        state: Final = "ignored" if handle is None else "handled"
        await self._webhooks.finish(received.webhook_id, state, now)
        known = handle is not None or envelope.event in IGNORED
        metrics.handled.labels(envelope.event if known else OTHER, state).inc()
        metrics.last.set(now.timestamp())
        if envelope.created_at is not None:
            metrics.lag.observe(max((now - envelope.created_at).total_seconds(), 0.0))

    async def _payment(self, envelope: Envelope) -> None:
        """A payment, by itself, with its order, or with the link that was paid by it."""
        order, link = entity_of(envelope, "order", VendorOrder), entity_of(envelope, "payment_link", VendorLink)
        receipt = (link.reference_id if link is not None else None) or (order.receipt if order is not None else None)
        if (payment := entity_of(envelope, "payment", VendorPayment)) is not None:
            await self._settlement.apply_payment(payment, receipt=receipt or "")

    async def _refund(self, envelope: Envelope) -> None:
        """A refund, with its payment as that is by now."""
        if (payment := entity_of(envelope, "payment", VendorPayment)) is not None:
            await self._settlement.apply_payment(payment)
        if (refund := entity_of(envelope, "refund", VendorRefund)) is not None:
            await self._settlement.apply_refund(refund)
