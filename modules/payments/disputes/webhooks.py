"""The webhooks of disputes, for the handler of webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modules.payments.checkout.settlement import Settlement
from modules.payments.disputes.disputes import Disputes
from modules.payments.vendor.entities import VendorDispute, VendorPayment
from modules.payments.webhooks.envelope import Envelope
from modules.payments.webhooks.handler import Handle, entity_of

EVENTS: Final = ("created", "under_review", "action_required", "won", "lost", "closed")


def handles(disputes: Disputes, settlement: Settlement) -> Mapping[str, Handle]:
    """What to do with each event, by its name."""

    async def handle(envelope: Envelope) -> None:
        if (payment := entity_of(envelope, "payment", VendorPayment)) is not None:
            await settlement.apply_payment(payment)
        if (dispute := entity_of(envelope, "dispute", VendorDispute)) is not None:
            await disputes.apply(dispute, envelope.created_at)

    return {f"payment.dispute.{event}": handle for event in EVENTS}
