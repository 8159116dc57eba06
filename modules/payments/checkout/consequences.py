"""What follows from the rows of an order, its payments and its refunds: each consequence once.

Nothing here looks at a message. Called again with the same rows it changes nothing. So the last of a set of messages
leaves the same rows behind whichever it is. With two payments that were both captured, the first to be told of pays the
order, and the other goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from gateway import clock
from gateway.contract import Kernel
from gateway.identifier import new_id
from modules.accounts.facade import user_room
from modules.payments.checkout.merging import fits, is_under_way
from modules.payments.checkout.messages import ORDER_PUSH
from modules.payments.checkout.payment_repository import PaymentRepository
from modules.payments.checkout.records import Order, Payment, Refund
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.views import order_view
from modules.payments.coupons.coupons import Coupons
from modules.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    RefundDue,
    RefundReversed,
)
from modules.payments.ledger import postings
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.parts import Parts
from modules.payments.ledger.postings import PostingKind
from modules.payments.reconciliation.differences import Differences
from modules.payments.states import CLOSED, OrderState, PaymentState, RefundOrigin, RefundState, order_state

log = structlog.get_logger(__name__)

FREE: Final = "free_"
"""With the order's id, what has paid an order of 0."""

# The payer reads these.
PAID_ALREADY: Final = "the order was paid already"
CLOSED_BEFORE: Final = "the order was closed before it was paid"


def parts_of(order: Order) -> Parts:
    return Parts(order.taxable, order.cgst, order.sgst, order.igst)


class Consequences:
    pushes = (ORDER_PUSH,)

    def __init__(
        self,
        kernel: Kernel,
        ledger: Ledger,
        coupons: Coupons,
        orders: OrderRepository,
        payments: PaymentRepository,
        differences: Differences,
        late_life: float,
    ) -> None:
        self._kernel = kernel
        self._late_life = timedelta(seconds=late_life)
        self._ledger = ledger
        self._coupons = coupons
        self._orders = orders
        self._payments = payments
        self._differences = differences

    async def settle(self, order: Order, *, changed: bool) -> Order:
        """The order after all that follows. It holds the lock of its row; `changed` says that its payments did."""
        now = clock.now()
        payments = await self._payments.of_order(order.id)
        refunds = await self._payments.refunds_of_order(order.id)
        after = await self._pay(order, payments, now)
        for payment in payments:
            await self._announce(after, payment, now)
            if payment.captured:
                refunds += await self._book(after, payment, refunds, now)
        captured = {payment.id for payment in payments if payment.captured}
        for refund in refunds:
            if refund.payment_id in captured:
                after = await self._count(after, refund, refunds, now)
        after = replace(after, state=_state(after, payments))
        if after != order or changed:
            after = await self._orders.write(after.id, after.state, after.paid_by, after.paid_at, after.refunded)
            await self.push(after)
        return after

    async def push(self, order: Order) -> None:
        """Tell the buyer and the student, when the transaction commits."""
        view = order_view(order)
        for user in sorted({order.user_id, order.buyer_id}):
            await self._kernel.rooms.publish_row(user_room(user), ORDER_PUSH, view)

    async def _pay(self, order: Order, payments: Sequence[Payment], now: datetime) -> Order:
        """An unpaid order is paid by the first captured payment that fits it; a closed one not on every term."""
        if order.paid_by is not None:
            return order
        if order.amount == 0:
            # Nothing is to be paid.
            paid_by = f"{FREE}{order.id}" if order.state not in CLOSED else None
        else:
            paid_by = await self._payer(order, [one for one in payments if one.captured and fits(order, one)])
        if paid_by is None:
            return order
        await self._ledger.capture(paid_by, parts_of(order), order.currency, order_id=order.id)
        await self._kernel.events.publish(
            PaymentCaptured(
                paid_by,
                order.program_id,
                order.user_id,
                order.id,
                amount=order.amount,
                currency=order.currency,
                at=now,
            )
        )
        return replace(order, paid_by=paid_by, paid_at=now)

    async def _payer(self, order: Order, paying: Sequence[Payment]) -> str | None:
        for one in paying:
            if order.state not in CLOSED or await self._reopens(order, one):
                return one.id
        return None

    async def _reopens(self, order: Order, payment: Payment) -> bool:
        """Whether a payment buys the place of an order that is closed. Otherwise its money goes back.

        The vendor's order can be paid for ever. So whoever keeps it must not buy at an old price, or by a coupon that
        others have used since. Who began to pay in time has done nothing wrong, however late the bank is.
        """
        began = payment.created_at or order.expires_at
        if began > order.expires_at + self._late_life:
            return False
        # It was decided before: the money is in the books as what goes back.
        if await self._ledger.is_posted(PostingKind.CAPTURE, payment.id):
            return False
        if order.coupon_id is None:
            return True
        if order.state is OrderState.EXPIRED and began <= order.expires_at:
            await self._coupons.retake(order.id)
            return True
        return await self._coupons.retake_within_limits(order.coupon_id, order.id, order.user_id)

    async def _announce(self, order: Order, payment: Payment, now: datetime) -> None:
        """Tell of a failure, of money that waits to be captured, of a payment that does not fit: each once.

        Who has paid by another payment is told of neither of the first two.
        """
        announced = payment.announced
        if (payment.captured or payment.state is PaymentState.AUTHORIZED) and not fits(order, payment):
            announced = "mismatch"
        elif payment.state is PaymentState.FAILED and order.paid_by is None and announced == "":
            announced = "failed"
        elif payment.state is PaymentState.AUTHORIZED and order.paid_by is None and announced in ("", "failed"):
            announced = "authorized"
        if announced == payment.announced:
            return
        await self._payments.write(replace(payment, announced=announced), now)
        if announced == "mismatch":
            await self._differences.note(
                "mismatch",
                payment.id,
                "a payment of another amount or currency than its order's",
                ours=f"{order.amount} {order.currency}",
                theirs=f"{payment.amount} {payment.currency}",
                order_id=order.id,
            )
        elif announced == "failed":
            reason = payment.error_reason or payment.error_code
            await self._kernel.events.publish(
                PaymentFailed(payment.id, order.program_id, order.user_id, order.id, reason)
            )
        else:
            await self._kernel.events.publish(PaymentAuthorized(payment.id, order.id))

    async def _book(self, order: Order, payment: Payment, refunds: Sequence[Refund], now: datetime) -> list[Refund]:
        """Post the vendor's fee. Money beside that of `paid_by` is none of ours: post it, and ask for its refund.

        Returns the refund that was asked for. A payment of another amount waits for a person.
        """
        if payment.fee is not None:
            await self._ledger.fee(payment.id, payment.fee, payment.tax or 0, payment.currency, order_id=order.id)
        if payment.id == order.paid_by:
            return []
        held = postings.held(payment.amount, payment.currency)
        await self._ledger.post(PostingKind.CAPTURE, payment.id, held, order_id=order.id)
        given_back = [one for one in refunds if one.payment_id == payment.id]
        left = payment.amount - sum(one.amount for one in given_back if one.state is not RefundState.FAILED)
        asked = any(one.origin is RefundOrigin.EXTRA_PAYMENT for one in given_back)
        if not fits(order, payment) or asked or left <= 0:
            return []
        refund = Refund(
            new_id(), payment.id, None, RefundOrigin.EXTRA_PAYMENT, RefundState.REQUESTED, left, payment.currency,
            False, PAID_ALREADY if order.paid_by else CLOSED_BEFORE, "", None, now, 1,
        )  # fmt: skip
        await self._payments.add_refund(refund)
        await self._kernel.events.publish(RefundDue(refund.id))
        return [refund]

    async def _count(self, order: Order, refund: Refund, refunds: Sequence[Refund], now: datetime) -> Order:
        """Count a processed refund of captured money in the books and the order, or take back what has failed since."""
        processed = refund.state is RefundState.PROCESSED
        if processed == (refund.processed_at is not None):
            return order
        sign = 1 if processed else -1
        if refund.payment_id != order.paid_by:
            kind = PostingKind.REFUND if processed else PostingKind.REFUND_REVERSAL
            entries = postings.held(-sign * refund.amount, refund.currency)
            await self._ledger.post(kind, refund.id, entries, order_id=order.id)
        else:
            total = order.refunded + sign * refund.amount
            if not 0 <= total <= order.amount:
                await self._differences.note(
                    "refunds", refund.id, "more was refunded than was paid", theirs=str(total), order_id=order.id
                )
                return order
            before = min(order.refunded, total)
            post = self._ledger.refund if processed else self._ledger.refund_failed
            await post(refund.id, parts_of(order), before, refund.amount, refund.currency, order_id=order.id)
            order = replace(order, refunded=total)
            if processed:
                await self._tell_refunded(order, refund, refunds, now)
            else:
                await self._tell_reversed(order, refund, now)
        if not processed:
            await self._differences.note(
                "refund_reversed",
                refund.id,
                "the bank sent a refund back",
                ours=f"{refund.amount} {refund.currency}",
                theirs=refund.vendor_refund_id or "",
                order_id=order.id,
            )
        await self._payments.write_refund(replace(refund, processed_at=now if processed else None))
        return order

    async def _tell_refunded(self, order: Order, refund: Refund, refunds: Sequence[Refund], now: datetime) -> None:
        # What was asked for last says whether the place is kept, whichever refund is processed last.
        done = [one for one in refunds if one.payment_id == order.paid_by and one.state is RefundState.PROCESSED]
        last = max(done, key=lambda one: (one.created_at, one.id))
        gone = order.refunded + await self._payments.lost(refund.payment_id)
        await self._kernel.events.publish(
            PaymentRefunded(
                refund.payment_id,
                order.program_id,
                order.user_id,
                order.id,
                refund.id,
                refund.amount,
                refund.currency,
                full=gone >= order.amount,
                keep_place=last.keep_place,
                at=now,
            )
        )

    async def _tell_reversed(self, order: Order, refund: Refund, now: datetime) -> None:
        await self._kernel.events.publish(
            RefundReversed(
                payment_id=refund.payment_id,
                program_id=order.program_id,
                user_id=order.user_id,
                order_id=order.id,
                refund_id=refund.id,
                amount=refund.amount,
                currency=refund.currency,
                at=now,
            )
        )


def _state(order: Order, payments: Sequence[Payment]) -> OrderState:
    return order_state(
        order.state,
        paid=order.paid_by is not None,
        refunded_in_full=0 < order.amount == order.refunded,
        opened=order.vendor_order_id is not None or order.link_id is not None,
        under_way=any(is_under_way(payment) for payment in payments),
    )
