"""Refunds are asked for here: never more than was captured, and each automatic one once."""

from __future__ import annotations

from uuid import UUID

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal, Role
from modules.payments.currencies import payable
from modules.payments.errors import nothing_captured, refund_not_failed, refund_too_large
from modules.payments.events import RefundDue
from modules.payments.reconciliation.differences import Differences
from modules.payments.refunds import metrics
from modules.payments.refunds.messages import NewRefund, RefundDetail, RefundRecord
from modules.payments.refunds.repository import Payment, RefundRepository, Requested, Taken
from modules.payments.states import RefundOrigin, RefundState


class Refunds:
    """Writes the row of a refund and publishes `RefundDue`; the sender does the rest (`sender.py`).

    Whatever asks for one holds the lock of the order's row. So many who ask at once get no more than was captured.
    """

    def __init__(self, kernel: Kernel, refunds: RefundRepository, differences: Differences) -> None:
        self._kernel = kernel
        self._refunds = refunds
        self._differences = differences

    async def request(self, principal: Principal, order_id: str, new: NewRefund) -> RefundRecord:
        """Ask for a refund of what paid the order.

        Raises BadInput `not_found` and `invalid`, what filters raise, Conflict `payments.nothing_captured` and
        `payments.refund_too_large`, and Unavailable.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        async with self._kernel.database.transaction():
            order = await self._refunds.lock_order(order_id)
            if order is None:
                raise not_found("there is no such order")
            payment = await self._captured(order.paid_by)
            left = _left(payment, await self._refunds.taken(payment.id))
            amount = left if new.amount is None else new.amount
            if payable(amount, payment.currency) != amount:
                raise invalid(f"an amount of {payment.currency} ends with 0: Razorpay takes no others", field="amount")
            if not 0 < amount <= left:
                raise refund_too_large(left, payment.currency)
            id = await self._add(
                payment, RefundOrigin.REQUESTED, amount, new.reason, keep_place=new.keep_place, by=principal.id
            )
            return await self._known(id)

    async def retry(self, principal: Principal, id: UUID) -> RefundRecord:
        """Try a failed refund again, with another row: the vendor would answer our id with the failed one.

        Each is retried once; then its retry is. Raises BadInput `not_found`, Conflict `payments.refund_not_failed`,
        `payments.nothing_captured` and `payments.refund_too_large`, and Unavailable.
        """
        async with self._kernel.database.transaction():
            if (found := await self._refunds.read(str(id))) is None:
                raise not_found("there is no such refund")
            if found.order_id is not None:
                await self._refunds.lock_order(found.order_id)
            # Again, under the lock.
            failed = await self._known(found.id)
            if failed.state is not RefundState.FAILED:
                raise refund_not_failed(f"this refund is {failed.state}")
            if await self._refunds.was_retried(failed.id):
                raise refund_not_failed("this refund was retried before")
            payment = await self._captured(failed.payment_id)
            left = _left(payment, await self._refunds.taken(payment.id))
            if failed.amount > left:
                raise refund_too_large(left, payment.currency)
            # What somebody did in the vendor's dashboard is now done by us.
            origin = RefundOrigin.REQUESTED if failed.origin is RefundOrigin.VENDOR else failed.origin
            retry = await self._add(
                payment,
                origin,
                failed.amount,
                failed.reason,
                keep_place=failed.keep_place,
                by=principal.id,
                retry_of=failed.id,
            )
            # Whoever retries has seen it; should the retry fail too, that is a difference of its own.
            await self._differences.agree("refund_failed", str(failed.id))
            return await self._known(retry)

    async def give_back(self, payment_id: str, origin: RefundOrigin, amount: int | None, reason: str) -> int:
        """Refund a payment without being asked, once for each origin; inside a transaction.

        At most what is left of it; all of that without `amount`. Returns what goes back, 0 for nothing. A payment
        that never was captured has nothing left.
        """
        order_id = await self._refunds.order_of(payment_id)
        if order_id is None or await self._refunds.lock_order(order_id) is None:
            return 0
        payment = await self._refunds.payment(payment_id)
        if payment is None or not payment.captured:
            return 0
        taken = await self._refunds.taken(payment.id)
        wanted = min(payment.amount if amount is None else amount, payment.amount - taken.refunded - taken.lost)
        wanted = payable(wanted, payment.currency)
        given = min(wanted, _left(payment, taken))
        if given > 0 and await self._add(payment, origin, given, reason) is None:
            return 0
        if given < wanted:
            # When the dispute is won, somebody must still give the rest back.
            await self._differences.note(
                "refund_withheld",
                payment.id,
                "a dispute holds money that is to be refunded",
                ours=f"{wanted} {payment.currency}",
                theirs=f"{max(given, 0)} {payment.currency}",
                order_id=order_id,
            )
        return max(given, 0)

    async def left(self, payment_id: str) -> int:
        """What of a payment is neither gone nor on its way, in minor units."""
        payment = await self._refunds.payment(payment_id)
        if payment is None or not payment.captured:
            return 0
        return _left(payment, await self._refunds.taken(payment_id))

    async def read(self, id: UUID) -> RefundRecord:
        """Raises BadInput `not_found` and Unavailable."""
        return await self._known(str(id))

    async def page(self, span: Span, state: RefundState | None, origin: RefundOrigin | None) -> Page[RefundRecord]:
        return await self._refunds.page(span, state, origin)

    async def page_of_order(self, principal: Principal, order_id: str, span: Span) -> Page[RefundDetail]:
        """For the payer, the student and admins. Raises BadInput `not_found`, also for an order of others."""
        owners = await self._refunds.owners(order_id)
        if not owners or (principal.role is not Role.ADMIN and principal.id not in owners):
            raise not_found("there is no such order")
        return await self._refunds.page_of_order(order_id, span)

    async def _captured(self, payment_id: str | None) -> Payment:
        payment = None if payment_id is None else await self._refunds.payment(payment_id)
        # A free order has no payment. One that the vendor gives back by itself was never captured.
        if payment is None or not payment.captured:
            raise nothing_captured()
        return payment

    async def _add(
        self,
        payment: Payment,
        origin: RefundOrigin,
        amount: int,
        reason: str,
        *,
        keep_place: bool = False,
        by: str = "",
        retry_of: str | None = None,
    ) -> str | None:
        """The id of the new refund; None when there was the same."""
        new = Requested(
            new_id(),
            payment.id,
            origin,
            amount,
            payment.currency,
            keep_place,
            reason,
            by,
            retry_of,
            clock.now(),
        )
        if not await self._refunds.add(new):
            return None
        await self._kernel.events.publish(RefundDue(new.id))
        metrics.requested.labels(origin).inc()
        return new.id

    async def _known(self, id: str | None) -> RefundRecord:
        refund = None if id is None else await self._refunds.read(id)
        if refund is None:
            raise not_found("there is no such refund")
        return refund


def _left(payment: Payment, taken: Taken) -> int:
    """What may be refunded. What a bank took or may take by a dispute cannot go back to the payer as well."""
    return max(payment.amount - taken.refunded - taken.lost - taken.held, 0)
