"""Refunds that happen by themselves: of money that got no place, and of places that were given back."""

from __future__ import annotations

from typing import Final

import structlog

from gateway import clock
from gateway.contract import Delivery, listener
from modules.payments.reconciliation.differences import Differences
from modules.payments.refunds.policy import RefundPolicy
from modules.payments.refunds.refunds import Refunds
from modules.payments.refunds.repository import RefundRepository
from modules.payments.states import RefundOrigin
from modules.programs.events import EnrolmentCancelled, PlaceRefused

log = structlog.get_logger(__name__)

# The payer reads these.
REASONS: Final = {
    "full": "The program is full",
    "not_open": "The program takes no enrolments any more",
    "already_enrolled": "You had a place already",
    "no_program": "There is no such program any more",
    "banned": "You take no part in this program",
    "no_user": "The account was deleted",
}
GIVEN_BACK: Final = "The place was given back"


class ReturnedPlaces:
    """Listens to programs. Each payment is refunded once for either reason, however often programs says it."""

    def __init__(
        self, refunds: Refunds, rows: RefundRepository, policy: RefundPolicy, differences: Differences
    ) -> None:
        self._differences = differences
        self._refunds = refunds
        self._rows = rows
        self._policy = policy

    @listener(PlaceRefused, "payments.place_refused")
    async def refund_refused(self, refused: PlaceRefused, delivery: Delivery) -> None:
        """All of the money goes back."""
        reason = REASONS.get(refused.reason, "There was no place")
        amount = await self._refunds.give_back(refused.payment_id, RefundOrigin.NO_PLACE, None, reason)
        log.info("refunds.place_refused", payment=refused.payment_id, reason=refused.reason, refund=amount)

    @listener(EnrolmentCancelled, "payments.place_given_back")
    async def refund_given_back(self, cancelled: EnrolmentCancelled, delivery: Delivery) -> None:
        """As much as the policy gives back at the time when the place was given back. A free place has no payment."""
        if cancelled.payment_id is None:
            return
        order_id = await self._rows.order_of(cancelled.payment_id)
        order = None if order_id is None else await self._rows.lock_order(order_id)
        payment = await self._rows.payment(cancelled.payment_id)
        if order is None or payment is None or not payment.captured:
            return
        # A delivery that is late does not cost the user their money.
        amount = self._policy.for_given_back(payment.amount, order.paid_at or clock.now(), delivery.at)
        amount = await self._refunds.give_back(payment.id, RefundOrigin.PLACE_GIVEN_BACK, amount, GIVEN_BACK)
        if cancelled.expelled and (kept := await self._refunds.left(payment.id)) > 0:
            # A mentor must not end what was paid for, and the money stay, without that anybody looks at it.
            await self._differences.note(
                "place_taken",
                payment.id,
                "a mentor took a paid place, and the policy does not give all of the money back",
                ours=f"{kept} {payment.currency}",
                order_id=order_id,
            )
        log.info("refunds.place_given_back", payment=payment.id, refund=amount)
