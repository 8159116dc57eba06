"""The way back from a payment link: the payer's browser brings the vendor's signature for a payment of the link.

The payer has no account, so nothing but the signature says that the payment is real. It says for which link, and our
row says whose that is. Amount and state are asked for at the vendor, and settled as any other message. The answer
shows nothing of the student or the payer.
"""

from __future__ import annotations

from enum import StrEnum

import structlog

from gateway.contract import Kernel
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.checkout.vendor_check import told_payment
from modules.payments.events import OrderDue
from modules.payments.settings import PaymentsSettings
from modules.payments.states import OrderState
from modules.payments.vendor import signatures
from modules.payments.vendor.razorpay import Razorpay

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What the payer is told."""

    PAID = "paid"
    CONFIRMING = "confirming"
    UNKNOWN = "unknown"
    """The signature is not the vendor's, or the link is not ours."""


class LinkCallback:
    def __init__(
        self, kernel: Kernel, settings: PaymentsSettings, razorpay: Razorpay | None, settlement: Settlement
    ) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)
        self._secrets = (settings.key_secret, *settings.former_key_secrets)

    async def confirm(self, link_id: str, reference: str, status: str, payment_id: str, signature: str) -> Outcome:
        """Settle the payment that the payer comes back from. Called again it changes nothing. Raises Unavailable."""
        if not signatures.link(link_id, reference, status, payment_id, signature, self._secrets):
            return Outcome.UNKNOWN
        order = await self._orders.find_by_receipt(reference)
        if order is None or order.link_id not in (None, link_id):
            log.warning("links.callback_for_another", link=link_id, payment=payment_id)
            return Outcome.UNKNOWN
        if order.paid_by is None:
            order = await self._settle(order, payment_id)
        return Outcome.PAID if order.state in (OrderState.PAID, OrderState.REFUNDED) else Outcome.CONFIRMING

    async def _settle(self, order: Order, payment_id: str) -> Order:
        payment = await told_payment(self._razorpay, payment_id)
        async with self._kernel.database.transaction():
            if payment is not None:
                await self._settlement.apply_payment(payment, receipt=order.receipt)
            else:
                # The page must not wait for the vendor: the order is looked at again.
                await self._kernel.events.publish(OrderDue(order.id))
            return await self._settlement.sign(order.id, payment_id)
