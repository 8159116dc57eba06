"""Verification: the payer's page brings the vendor's signature for a payment of an order.

A signature says that the vendor knows the payment, and for which of its orders. It says nothing of whose order that is
here, what it costs, or whether the money was taken. So the row says whose it is, and the vendor is asked for the rest.
"""

from __future__ import annotations

import structlog

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.payments.checkout import metrics
from modules.payments.checkout.messages import OrderView, Verification
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.checkout.vendor_check import told_payment
from modules.payments.checkout.views import order_view
from modules.payments.errors import bad_signature, other_order
from modules.payments.events import OrderDue
from modules.payments.reconciliation.differences import Differences
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor import signatures
from modules.payments.vendor.entities import VendorPayment
from modules.payments.vendor.razorpay import Razorpay

log = structlog.get_logger(__name__)


class Verifications:
    def __init__(
        self, kernel: Kernel, settings: PaymentsSettings, razorpay: Razorpay | None, settlement: Settlement
    ) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)
        self._differences = Differences(kernel.database)
        self._secrets = (settings.key_secret, *settings.former_key_secrets)

    async def verify(self, principal: Principal, told: Verification) -> OrderView:
        """The order after the payment; `confirming` when the vendor or the bank cannot say yet.

        Raises BadInput `payments.bad_signature`, and Conflict `payments.other_order` for a payment that is not for an
        order of this user, or of another amount or currency.
        """
        order_id, payment_id = told.razorpay_order_id, told.razorpay_payment_id
        if not signatures.checkout(order_id, payment_id, told.razorpay_signature, self._secrets):
            metrics.verifications.labels("bad_signature").inc()
            raise bad_signature()
        order = await self._orders.find_by_vendor_order(order_id)
        if order is None or principal.id not in (order.buyer_id, order.user_id):
            metrics.verifications.labels("other_order").inc()
            log.warning("checkout.verified_for_another", user=principal.id, vendor_order=order_id, payment=payment_id)
            raise other_order()
        if order.paid_by == payment_id:
            return order_view(order)
        payment = await told_payment(self._razorpay, payment_id)
        if payment is None:
            return await self._sign(order, payment_id)
        if payment.order_id != order_id or (payment.amount, payment.currency) != (order.amount, order.currency):
            await self._note(order, payment)
            raise other_order()
        async with self._kernel.database.transaction():
            await self._settlement.apply_payment(payment)
            settled = await self._settlement.sign(order.id, payment_id)
        metrics.verifications.labels(settled.state).inc()
        return order_view(settled)

    async def _sign(self, order: Order, payment_id: str) -> OrderView:
        async with self._kernel.database.transaction():
            signed = await self._settlement.sign(order.id, payment_id)
            await self._kernel.events.publish(OrderDue(order.id))
        metrics.verifications.labels(signed.state).inc()
        return order_view(signed)

    async def _note(self, order: Order, payment: VendorPayment) -> None:
        metrics.verifications.labels("mismatch").inc()
        await self._differences.note(
            "mismatch",
            payment.id,
            "a payment with a good signature does not fit its order",
            ours=f"{order.vendor_order_id} {order.amount} {order.currency}",
            theirs=f"{payment.order_id} {payment.amount} {payment.currency}",
            order_id=order.id,
        )
