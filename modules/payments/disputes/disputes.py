"""Disputes: what the vendor says of them is merged, and each consequence happens once.

The place stays while a dispute runs. A lost one is posted in the ledger, and takes the place when nothing is left of
the money, unless the setting says otherwise (decision 68). Evidence is sent in the vendor's dashboard.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from gateway.errors import not_found
from gateway.http.listing import Page, Span
from modules.payments.disputes import metrics
from modules.payments.disputes.deadlines import MISSED, Deadlines
from modules.payments.disputes.messages import DisputeTimer, DisputeView
from modules.payments.disputes.repository import Dispute, DisputedOrder, DisputeRepository
from modules.payments.disputes.states import DisputeState, Standing, later
from modules.payments.events import DisputeLost, DisputeOpened
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation.differences import Differences
from modules.payments.settings import DisputeSettings
from modules.payments.vendor.entities import VendorDispute

log = structlog.get_logger(__name__)

TIMER: Final = "payments.dispute_due"
# A dispute of a payment whose order is not known yet is looked at again.
UNKNOWN_ORDER: Final = timedelta(hours=1)


class Disputes:
    """Every change of a dispute holds the lock of its order's row, and of its own."""

    def __init__(
        self,
        kernel: Kernel,
        settings: DisputeSettings,
        disputes: DisputeRepository,
        ledger: Ledger,
        differences: Differences,
    ) -> None:
        self._kernel = kernel
        self._disputes = disputes
        self._ledger = ledger
        self._differences = differences
        self._keeps_place = settings.dispute_keeps_place
        self._deadlines = Deadlines(settings.dispute_warning, settings.dispute_last_warning)

    async def apply(self, told: VendorDispute, at: datetime | None = None) -> None:
        """What Razorpay says of a dispute; told again it changes nothing. Joins the transaction around it.

        `at` is when Razorpay says that it happened; without it, it is how things stand now.
        """
        now = clock.now()
        async with self._kernel.database.transaction():
            order = await self._disputes.lock_order(told.payment_id)
            known = await self._disputes.lock(told.id)
            if new := known is None:
                await self._disputes.add(_row_of(told, at or now), now)
                known = await self._disputes.lock(told.id)
                assert known is not None
            said = _standing_of(told, at or now)
            if {said.state, known.state} == {DisputeState.WON, DisputeState.LOST}:
                await self._contradict(known, said, order)
            standing = later(known.standing, said)
            deducted = max(known.deducted, told.amount_deducted)
            changed = (replace(standing, at=known.said_at), deducted) != (known.standing, known.deducted)
            if changed or standing != known.standing:
                await self._disputes.write(known.id, standing, deducted, changed=changed)
            if new or changed:
                dispute = await self._disputes.lock(known.id)
                assert dispute is not None
                await self._follow(dispute, order, now, warned=False)

    @timer(TIMER)
    async def due(self, timer: DisputeTimer, delivery: Delivery) -> None:
        """Tell an operator that our answer is due."""
        now = clock.now()
        dispute = await self._disputes.read(timer.dispute_id)
        if dispute is None:
            return
        order = await self._disputes.lock_order(dispute.payment_id)
        locked = await self._disputes.lock(dispute.id)
        assert locked is not None
        if locked.state is DisputeState.OPEN and locked.respond_by is not None:
            await self._warn(locked, locked.respond_by, order, now)
        await self._follow(locked, order, now, warned=True)

    async def read(self, id: str) -> DisputeView:
        """Raises BadInput `not_found` and Unavailable."""
        dispute = await self._disputes.read(id)
        if dispute is None:
            raise not_found("there is no such dispute")
        return dispute

    async def page(self, span: Span, state: DisputeState | None) -> Page[DisputeView]:
        return await self._disputes.page(span, state)

    async def _follow(self, dispute: Dispute, order: DisputedOrder | None, now: datetime, *, warned: bool) -> None:
        """Each event once, the books, and the timer of the next warning: at once unless an operator was just told."""
        if dispute.told_at is None:
            await self._tell_opened(dispute, order)
            await self._disputes.mark_told(dispute.id, now)
        if dispute.state is DisputeState.LOST and dispute.lost_at is None:
            await self._lose(dispute, order, now)
        due = None
        if dispute.state is DisputeState.OPEN and dispute.respond_by is not None:
            reached = self._deadlines.reached(dispute.respond_by, now)
            due = now if reached and not warned else self._deadlines.next(dispute.respond_by, now)
        elif dispute.state is DisputeState.LOST and order is None:
            due = now + UNKNOWN_ORDER
        if due is None:
            await self._kernel.schedules.cancel(TIMER, dispute.id)
        else:
            await self._kernel.schedules.at(TIMER, dispute.id, due, DisputeTimer(dispute.id))

    async def _tell_opened(self, dispute: Dispute, order: DisputedOrder | None) -> None:
        log.warning("disputes.opened", dispute=dispute.id, phase=dispute.phase, state=dispute.state)
        metrics.states.labels(DisputeState.OPEN).inc()
        await self._kernel.events.publish(
            DisputeOpened(
                dispute.id,
                dispute.payment_id,
                "" if order is None else order.id,
                dispute.amount,
                dispute.currency,
                "" if dispute.respond_by is None else dispute.respond_by.isoformat(),
            )
        )

    async def _lose(self, dispute: Dispute, order: DisputedOrder | None, now: datetime) -> None:
        """Post what the bank took, and tell of it. Where the order is not known, or nothing was taken, it waits."""
        if order is None:
            return
        if dispute.deducted == 0 or dispute.currency != order.currency:
            await self._differences.note(
                "dispute_unclear",
                dispute.id,
                "the dispute is lost, and nothing was deducted in the order's currency",
                ours=f"{dispute.amount} {order.currency}",
                theirs=f"{dispute.deducted} {dispute.currency}",
                order_id=order.id,
            )
            return
        metrics.states.labels(DisputeState.LOST).inc()
        await self._ledger.dispute(dispute.id, dispute.deducted, dispute.currency, order_id=order.id)
        await self._disputes.mark_lost(dispute.id, now)
        gone = order.refunded + await self._disputes.lost(dispute.payment_id)
        await self._kernel.events.publish(
            DisputeLost(
                dispute.id,
                dispute.payment_id,
                order.program_id,
                order.user_id,
                order.id,
                dispute.deducted,
                dispute.currency,
                full=dispute.payment_id == order.paid_by and gone >= order.amount,
                keep_place=self._keeps_place,
                at=now,
            )
        )

    async def _contradict(self, known: Dispute, said: Standing, order: DisputedOrder | None) -> None:
        """Both decisions of one dispute: `lost` is kept, and a person finds out where the money is."""
        await self._differences.note(
            "dispute_contradicted",
            known.id,
            "Razorpay says of one dispute that it is lost, and that it is won",
            ours=known.state,
            theirs=said.state,
            order_id=None if order is None else order.id,
        )

    async def _warn(self, dispute: Dispute, respond_by: datetime, order: DisputedOrder | None, now: datetime) -> None:
        kind = self._deadlines.reached(respond_by, now)
        if kind is None:
            return
        metrics.warnings.labels(kind).inc()
        await self._differences.note(
            kind,
            dispute.id,
            "the time to answer a dispute is over" if kind == MISSED else "a dispute is to be answered",
            ours=f"{dispute.amount} {dispute.currency}",
            theirs=respond_by.isoformat(),
            order_id=None if order is None else order.id,
        )


def _standing_of(told: VendorDispute, at: datetime) -> Standing:
    # A state that Razorpay adds later is for a person to look at, as an open one is.
    state = DisputeState(told.status) if told.status in set(DisputeState) else DisputeState.OPEN
    return Standing(at, state, told.phase or "", told.respond_by, told.amount)


def _row_of(told: VendorDispute, at: datetime) -> Dispute:
    standing = _standing_of(told, at)
    return Dispute(
        id=told.id,
        payment_id=told.payment_id,
        phase=standing.phase,
        state=standing.state,
        amount=standing.amount,
        currency=told.currency,
        deducted=0,
        reason_code=told.reason_code or "",
        respond_by=standing.respond_by,
        created_at=told.created_at,
        said_at=at,
        told_at=None,
        lost_at=None,
    )
