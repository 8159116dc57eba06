"""Asks the vendor what became of an order or a payment, and settles by its answer.

The vendor is called outside of any transaction. What it answers is merged as if a webhook had said it, so none of this
does harm when it is done again, or at the same time as something else.
"""

from __future__ import annotations

import structlog

from gateway.contract import Delivery, Kernel, listener
from gateway.errors import Unavailable
from modules.payments.checkout.payment_repository import PaymentRepository
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import PaymentAuthorized
from modules.payments.states import PaymentState
from modules.payments.vendor.entities import VendorPayment, VendorRefund
from modules.payments.vendor.outcomes import NotFound, Rejected
from modules.payments.vendor.razorpay import Razorpay

log = structlog.get_logger(__name__)


class VendorCheck:
    """Without a `razorpay` there is nobody to ask."""

    def __init__(self, kernel: Kernel, razorpay: Razorpay | None, settlement: Settlement) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)
        self._payments = PaymentRepository(kernel.database)

    @listener(PaymentAuthorized, "payments.capture", transactional=False)
    async def capture(self, authorized: PaymentAuthorized, delivery: Delivery) -> None:
        """Take the money that a bank holds for us. Razorpay gives it back by itself when nobody takes it in time."""
        order = await self._orders.find(authorized.order_id)
        if self._razorpay is None or order is None or order.paid_by is not None:
            return
        payments = {payment.id: payment for payment in await self._payments.of_order(order.id)}
        payment = payments.get(authorized.payment_id)
        if payment is None or payment.state is not PaymentState.AUTHORIZED:
            return
        try:
            told = await self._razorpay.capture(payment.id, order.amount, order.currency)
        except (Rejected, NotFound) as error:
            # Another payment was faster, or its time is over: Razorpay says what became of it.
            log.info("checkout.capture_refused", order=order.id, payment=payment.id, why=str(error))
            await self.refresh(order.id)
            return
        await self._apply([told], [])

    async def refresh(self, order_id: str) -> None:
        """Read the order's payments and refunds at the vendor, and settle by them. Raises Unavailable."""
        order = await self._orders.find(order_id)
        if self._razorpay is None or order is None:
            return
        vendor_order_id = order.vendor_order_id
        if vendor_order_id is None:
            if order.amount == 0 or order.link_id is not None:
                return
            # An answer that was lost: there may be an order under our receipt.
            found = await self._razorpay.find_order_by_receipt(order.receipt)
            if found is None or (found.amount, found.currency) != (order.amount, order.currency):
                return
            vendor_order_id = found.id
            async with self._kernel.database.transaction():
                await self._settlement.open(order.id, vendor_order_id)
        payments = await self._razorpay.payments_of_order(vendor_order_id)
        if order.paid_by is None and not any(payment.captured for payment in payments):
            payments = [await self._captured(order, payment) for payment in payments]
        refunds: list[VendorRefund] = []
        for payment in payments:
            if payment.amount_refunded or payment.status == PaymentState.REFUNDED:
                refunds += await self._razorpay.refunds_of_payment(payment.id)
        await self._apply(payments, refunds)

    async def _captured(self, order: Order, payment: VendorPayment) -> VendorPayment:
        """The payment, captured where it waits for that: the listener may have given up while Razorpay was away."""
        fits = (payment.amount, payment.currency) == (order.amount, order.currency)
        if self._razorpay is None or payment.status != PaymentState.AUTHORIZED or not fits:
            return payment
        try:
            return await self._razorpay.capture(payment.id, order.amount, order.currency)
        except (Rejected, NotFound) as error:
            log.info("checkout.capture_refused", order=order.id, payment=payment.id, why=str(error))
            return payment

    async def _apply(self, payments: list[VendorPayment], refunds: list[VendorRefund]) -> None:
        async with self._kernel.database.transaction():
            for payment in payments:
                await self._settlement.apply_payment(payment)
            for refund in refunds:
                await self._settlement.apply_refund(refund)


async def told_payment(razorpay: Razorpay | None, payment_id: str) -> VendorPayment | None:
    """The payment as the vendor has it; None when it cannot be asked now, or does not show the payment yet."""
    if razorpay is None:
        return None
    try:
        return await razorpay.payment(payment_id)
    except (Unavailable, NotFound) as error:
        log.info("checkout.payment_unasked", payment=payment_id, why=str(error))
        return None
