"""Asks the vendor what became of a payment link, and settles its order by the answer.

What the vendor says is merged as in `checkout/vendor_check.py`: done again, or at the same time as something else, it
does no harm. A link that ended ends its order. One whose order ended by itself is cancelled.
"""

from __future__ import annotations

import structlog

from gateway.contract import Delivery, Kernel, listener
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import LinkClosed
from modules.payments.links.repository import LinkRepository
from modules.payments.states import CLOSED, OrderState
from modules.payments.vendor.entities import VendorLink, VendorPayment, VendorRefund
from modules.payments.vendor.outcomes import NotFound, Rejected
from modules.payments.vendor.razorpay import Razorpay
from modules.payments.webhooks.envelope import Envelope
from modules.payments.webhooks.handler import entity_of

log = structlog.get_logger(__name__)

# The vendor's words for a link that nobody can pay any more, and what they mean for its order.
ENDED = {"cancelled": OrderState.CANCELLED, "expired": OrderState.EXPIRED}


class LinkCheck:
    """Without a `razorpay` there is nobody to ask."""

    def __init__(self, kernel: Kernel, razorpay: Razorpay | None, settlement: Settlement) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)
        self._links = LinkRepository(kernel.database)
        # By the names of Razorpay's webhooks.
        self.webhooks = {f"payment_link.{state}": self._ended for state in ENDED}

    @listener(LinkClosed, "payments.cancel_link", transactional=False)
    async def cancel_link(self, closed: LinkClosed, delivery: Delivery) -> None:
        """Nobody is to pay any more for an order that was given up, or replaced."""
        order = await self._orders.find(closed.order_id)
        if self._razorpay is None or order is None or order.link_id is None or order.state not in CLOSED:
            return
        try:
            await self._razorpay.cancel_link(order.link_id)
        except (Rejected, NotFound) as error:
            # Somebody was faster, and has paid.
            log.info("links.not_cancelled", order=order.id, why=str(error))
            await self.refresh(order.id)

    async def refresh(self, order_id: str) -> None:
        """Read the link and its payments at the vendor, and settle by them. Raises Unavailable.

        An order that is not paid by a link is left alone.
        """
        order = await self._orders.find(order_id)
        if self._razorpay is None or order is None or not order.by_link or order.amount == 0:
            return
        link = await self.find(order)
        if link is None:
            return
        payments, refunds = await self._payments_of(self._razorpay, order, link)
        async with self._kernel.database.transaction():
            if order.link_id is None:
                await self.opened(order.id, link)
            for payment in payments:
                await self._settlement.apply_payment(payment, receipt=order.receipt)
            for refund in refunds:
                await self._settlement.apply_refund(refund)
            await self._close(order.receipt, link.status)

    async def find(self, order: Order) -> VendorLink | None:
        """The order's link at the vendor, also when its answer was lost. Raises Unavailable."""
        if self._razorpay is None:
            return None
        if order.link_id is None:
            found = await self._razorpay.find_link_by_reference(order.receipt)
            return found if found is not None and found.amount == order.amount else None
        try:
            return await self._razorpay.link(order.link_id)
        except NotFound:
            log.error("links.lost", order=order.id, link=order.link_id)
            return None

    async def opened(self, order_id: str, link: VendorLink) -> Order:
        """The vendor has made the link: the order can be paid. One that was closed meanwhile has it cancelled."""
        order = await self._orders.lock(order_id)
        if order is None:
            raise LookupError(f"there is no order {order_id}")
        if order.link_id is not None:
            return order
        await self._links.open(order_id, link.id, link.short_url)
        if order.state in CLOSED:
            await self._kernel.events.publish(LinkClosed(order_id))
        return await self._settlement.settle(order_id)

    async def _payments_of(
        self, razorpay: Razorpay, order: Order, link: VendorLink
    ) -> tuple[list[VendorPayment], list[VendorRefund]]:
        """Each attempt that the link or the order behind it knows, with the refunds."""
        payments: dict[str, VendorPayment] = {}
        for entry in link.payments:
            payments[entry.payment_id] = await razorpay.payment(entry.payment_id)
        behind = {payment.order_id for payment in payments.values()} | {order.vendor_order_id, link.order_id}
        for vendor_order_id in sorted(id for id in behind if id):
            payments |= {payment.id: payment for payment in await razorpay.payments_of_order(vendor_order_id)}
        refunds = [
            refund
            for payment in payments.values()
            if payment.amount_refunded
            for refund in await razorpay.refunds_of_payment(payment.id)
        ]
        return list(payments.values()), refunds

    async def _ended(self, envelope: Envelope) -> None:
        """A webhook says that nobody can pay the link any more."""
        link = entity_of(envelope, "payment_link", VendorLink)
        if link is not None and link.reference_id:
            await self._close(link.reference_id, link.status)

    async def _close(self, receipt: str, status: str) -> None:
        state = ENDED.get(status)
        order = None if state is None else await self._orders.lock_by_receipt(receipt)
        # What the bank has not confirmed yet was begun in time.
        if state is not None and order is not None and order.by_link and order.state is not OrderState.CONFIRMING:
            await self._settlement.close(order, state)
