"""Sends refunds to the vendor, and looks there until each has come to an end.

The vendor is called outside of a transaction, with the refund's id as its key. So a refund is made there once, however
often it is sent: after a lost answer the adapter asks what the vendor holds (`vendor/razorpay.py`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener, timer
from gateway.errors import Unavailable
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import RefundDue
from modules.payments.reconciliation.differences import Differences
from modules.payments.refunds import metrics
from modules.payments.refunds.messages import RefundRecord, RefundTimer
from modules.payments.refunds.policy import pause
from modules.payments.refunds.repository import RefundRepository
from modules.payments.settings import RefundSettings
from modules.payments.states import RefundState
from modules.payments.vendor.entities import VendorRefund
from modules.payments.vendor.outcomes import NotFound, Rejected, UnknownOutcome
from modules.payments.vendor.razorpay import Razorpay

log = structlog.get_logger(__name__)

DUE: Final = "payments.refund_due"
UNFINISHED: Final = frozenset({RefundState.REQUESTED, RefundState.PENDING})


class RefundSender:
    """One timer a refund: it comes again, at growing intervals, until the refund is processed or failed."""

    def __init__(
        self,
        kernel: Kernel,
        settings: RefundSettings,
        refunds: RefundRepository,
        settlement: Settlement,
        differences: Differences,
        razorpay: Razorpay | None,
    ) -> None:
        """Without `razorpay` refunds wait."""
        self._kernel = kernel
        self._settings = settings
        self._refunds = refunds
        self._settlement = settlement
        self._differences = differences
        self._razorpay = razorpay

    @timer(DUE)
    async def due(self, timer: RefundTimer, delivery: Delivery) -> None:
        await self._kernel.events.publish(RefundDue(timer.refund_id))

    @listener(RefundDue, "payments.send_refund", transactional=False)
    async def send(self, due: RefundDue, delivery: Delivery) -> None:
        """Send a refund that the vendor has not confirmed; look a pending one up. Done again it comes to the same."""
        attempts = await self._refunds.count_try(due.refund_id)
        refund = None if attempts is None else await self._refunds.read(due.refund_id)
        if refund is None or refund.state not in UNFINISHED:
            return
        try:
            told = await self._ask(refund)
        except UnknownOutcome as error:
            metrics.sent.labels("unknown").inc()
            await self._put_off(refund, str(error))
        except Unavailable as error:
            metrics.sent.labels("unavailable").inc()
            await self._put_off(refund, error.message)
        except NotFound as error:
            await self._refused(refund, str(error) or "the vendor does not know the payment")
        except Rejected as error:
            if is_for_now(error) and refund.attempts < self._settings.refund_attempts:
                await self._held_up(refund, error.description)
            else:
                await self._refused(refund, error.description)
        else:
            metrics.sent.labels("ok").inc()
            await self._apply(refund, told)

    async def _ask(self, refund: RefundRecord) -> VendorRefund:
        if self._razorpay is None:
            raise Unavailable("no key of Razorpay is set")
        if refund.vendor_refund_id is not None:
            return await self._razorpay.refund_by_id(refund.vendor_refund_id)
        return await self._razorpay.refund(
            refund.payment_id,
            amount=refund.amount,
            key=refund.id,
            receipt=refund.id,
            notes={"order": refund.order_id or "", "origin": refund.origin},
        )

    async def _apply(self, refund: RefundRecord, told: VendorRefund) -> None:
        async with self._kernel.database.transaction():
            await self._settlement.apply_refund(told)
            await self._refunds.note_answer(refund.id, "")
            if told.status in UNFINISHED:
                # Webhooks say when it is processed; this finds it when they are lost.
                await self._again(refund)

    async def _put_off(self, refund: RefundRecord, words: str) -> None:
        """The call came to nothing, or perhaps to something: the next one finds out."""
        async with self._kernel.database.transaction():
            if refund.state is RefundState.REQUESTED:
                await self._refunds.note_answer(refund.id, words[:500])
            await self._again(refund)

    async def _held_up(self, refund: RefundRecord, words: str) -> None:
        """The vendor refused it for now, for lack of money. The amount stays reserved, and an operator may help."""
        metrics.sent.labels("held").inc()
        async with self._kernel.database.transaction():
            await self._lock_order(refund)
            await self._refunds.note_answer(refund.id, words[:500])
            await self._note("refund_held", refund, words)
            await self._again(refund)

    async def _refused(self, refund: RefundRecord, words: str) -> None:
        """It has failed, and nothing has happened: its amount may be refunded in another way."""
        metrics.sent.labels("refused").inc()
        log.warning("refunds.refused", refund=refund.id, why=words)
        async with self._kernel.database.transaction():
            await self._lock_order(refund)
            if await self._refunds.refuse(refund.id, words[:500]):
                await self._note("refund_failed", refund, words)

    async def _note(self, kind: str, refund: RefundRecord, words: str) -> None:
        money = f"{refund.amount} {refund.currency}"
        await self._differences.note(kind, refund.id, words[:500], ours=money, theirs="", order_id=refund.order_id)

    async def _lock_order(self, refund: RefundRecord) -> None:
        if refund.order_id is not None:
            await self._refunds.lock_order(refund.order_id)

    async def _again(self, refund: RefundRecord) -> None:
        if clock.now() - refund.created_at > timedelta(days=self._settings.refund_overdue_days):
            await self._note("refund_overdue", refund, "the refund is neither processed nor failed")
        first, longest = self._settings.refund_retry, self._settings.refund_retry_longest
        when = clock.now() + timedelta(seconds=pause(refund.attempts, first, longest))
        await self._kernel.schedules.at(DUE, refund.id, when, RefundTimer(refund.id))


def is_for_now(refusal: Rejected) -> bool:
    """Whether the vendor would make the refund once it holds enough of our money. It says so in words alone."""
    return "balance" in f"{refusal.reason} {refusal.description}".lower()
