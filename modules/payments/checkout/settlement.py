"""Settles orders: merges what the vendor says into our rows, under one lock, and lets everything else follow from them.

Verification, webhooks, reconciliation and refunds all come here. Whoever is first has the effect, and the others change
nothing. `states.py` says why the order of the messages does not matter. `consequences.py` says what follows.

Everything here is called inside a transaction, and calls no vendor.
"""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.identifier import new_id
from modules.payments.checkout.consequences import Consequences
from modules.payments.checkout.merging import merged
from modules.payments.checkout.payment_repository import PaymentRepository
from modules.payments.checkout.records import Order, Payment, Refund
from modules.payments.checkout.repository import OrderRepository
from modules.payments.coupons.coupons import Coupons
from modules.payments.events import LinkClosed
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation.differences import Differences
from modules.payments.states import UNPAID, OrderState, RefundOrigin, RefundState, later
from modules.payments.vendor.entities import VendorPayment, VendorRefund

log = structlog.get_logger(__name__)


class Settlement:
    """What became of orders. Each call raises RuntimeError outside of a transaction, and Unavailable."""

    def __init__(self, kernel: Kernel, ledger: Ledger, coupons: Coupons, *, late_life: float) -> None:
        self._database = kernel.database
        self._events = kernel.events
        self._orders = OrderRepository(kernel.database)
        self._payments = PaymentRepository(kernel.database)
        self._differences = Differences(kernel.database)
        self._consequences = Consequences(
            kernel, ledger, coupons, self._orders, self._payments, self._differences, late_life
        )
        self._coupons = coupons
        self.pushes = self._consequences.pushes

    async def apply_payment(self, payment: VendorPayment, *, receipt: str = "") -> Order | None:
        """What Razorpay says of a payment. `receipt` is ours, where its order or its link was told of too.

        Returns the order after it. None when no order of ours is known for the payment: it is kept, and applied when
        its order becomes known.
        """
        self._check()
        order = await self._lock_order(payment.id, payment.order_id or "", receipt)
        now = clock.now()
        known = await self._payments.lock(payment.id, now)
        if known.order_id is not None and (order is None or known.order_id != order.id):
            return await self._of_another_order(known, order)
        after = merged(known, payment)
        if after.captured and not known.captured:
            after = replace(after, captured_at=now)
        if order is not None:
            after = replace(after, order_id=order.id)
        if after != known:
            await self._payments.write(after, now)
        return None if order is None else await self._consequences.settle(order, changed=after != known)

    async def apply_refund(self, refund: VendorRefund) -> None:
        """What Razorpay says of a refund. One whose payment is not known yet is kept, and counted when that comes."""
        self._check()
        order = await self._orders.lock_by_payment(refund.payment_id)
        payment = await self._payments.lock(refund.payment_id, clock.now())
        if payment.order_id is not None and order is None:
            raise _retried(refund.payment_id)
        changed = await self._merge_refund(refund, payment.order_id)
        if order is not None:
            await self._consequences.settle(order, changed=changed)

    async def open(self, order_id: str, vendor_order_id: str) -> Order:
        """The vendor has made the order. Payments of it that it told us of before are applied now."""
        self._check()
        await self._orders.lock_vendor_order(vendor_order_id)
        order = await self._orders.lock(order_id)
        if order is None:
            raise LookupError(f"there is no order {order_id}")
        if order.vendor_order_id is None:
            order = await self._orders.open(order_id, vendor_order_id)
        return await self._consequences.settle(order, changed=True)

    async def sign(self, order_id: str, payment_id: str) -> Order:
        """The payer's page brought the vendor's signature for this payment of the order, whatever it has come to."""
        self._check()
        order = await self._existing(order_id)
        now = clock.now()
        payment = await self._payments.lock(payment_id, now)
        if payment.order_id not in (None, order.id):
            return order
        after = replace(
            payment, order_id=order.id, signed=True, vendor_order_id=order.vendor_order_id or payment.vendor_order_id
        )
        if after != payment:
            await self._payments.write(after, now)
        return await self._consequences.settle(order, changed=after != payment)

    async def settle(self, order_id: str) -> Order:
        """A row of the order's payments or refunds was changed by the caller: let what follows from it happen."""
        self._check()
        return await self._consequences.settle(await self._existing(order_id), changed=True)

    async def close(self, order: Order, state: OrderState) -> Order:
        """Let an unpaid, locked order expire or be cancelled: its coupon is free again. Another is left as it is."""
        self._check()
        if order.state not in UNPAID:
            return order
        await self._coupons.release(order.id)
        closed = await self._orders.write(order.id, state, None, None, 0)
        await self._consequences.push(closed)
        if closed.link_id is not None:
            await self._events.publish(LinkClosed(order.id))
        return closed

    async def _lock_order(self, payment_id: str, vendor_order_id: str, receipt: str) -> Order | None:
        if vendor_order_id:
            if (order := await self._orders.lock_by_vendor_order(vendor_order_id)) is not None:
                return order
            # Our row may be learning this very moment that the vendor's order is its own.
            await self._orders.lock_vendor_order(vendor_order_id)
            if (order := await self._orders.lock_by_vendor_order(vendor_order_id)) is not None:
                return order
        if receipt and (order := await self._orders.lock_by_receipt(receipt)) is not None:
            if vendor_order_id and order.vendor_order_id is None:
                return await self._orders.open(order.id, vendor_order_id)
            return order
        return await self._orders.lock_by_payment(payment_id)

    async def _of_another_order(self, payment: Payment, order: Order | None) -> Order | None:
        if order is None:
            raise _retried(payment.id)
        await self._differences.note(
            "mismatch",
            payment.id,
            "the vendor names this payment for two orders",
            ours=payment.order_id or "",
            theirs=order.id,
            order_id=payment.order_id,
        )
        return order

    async def _merge_refund(self, told: VendorRefund, order_id: str | None) -> bool:
        """Whether that said something new."""
        state = RefundState(told.status) if told.status in set(RefundState) else RefundState.PENDING
        known = await self._payments.find_refund(told.id, told.receipt or "", told.payment_id)
        if known is None:
            # We did not ask for it: the vendor made it by itself, or somebody did in its dashboard.
            made = Refund(
                new_id(), told.payment_id, told.id, RefundOrigin.VENDOR, state, told.amount, told.currency,
                False, "", "", None, told.created_at, 1,
            )  # fmt: skip
            await self._payments.add_refund(made)
            return True
        after = replace(known, vendor_refund_id=told.id, state=later(known.state, state))
        if after == known:
            return False
        await self._payments.write_refund(after)
        failed = after.state is RefundState.FAILED and known.state is not RefundState.FAILED
        # One that was counted is taken back with its order (`consequences.py`). One that others made is theirs.
        if failed and known.processed_at is None and known.origin is not RefundOrigin.VENDOR:
            await self._differences.note(
                "refund_failed",
                known.id,
                "the vendor could not make a refund",
                ours=f"{known.amount} {known.currency}",
                theirs=told.id,
                order_id=order_id,
            )
        return True

    async def _existing(self, order_id: str) -> Order:
        order = await self._orders.lock(order_id)
        if order is None:
            raise LookupError(f"there is no order {order_id}")
        return order

    def _check(self) -> None:
        if not self._database.in_transaction:
            raise RuntimeError("an order is settled inside of a transaction")


def _retried(payment_id: str) -> Unavailable:
    return Unavailable(f"another transaction has just learnt whose payment {payment_id} is")
