"""What the routes and the timer of disputes carry."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from modules.payments.disputes.states import DisputeState


class DisputeView(msgspec.Struct, frozen=True):
    """A dispute, for admins. `respond_by` is when our answer is due, and `deducted` what the bank took.

    `order_id` is null while nothing is known of the payment but its id.
    """

    id: str
    order_id: str | None
    payment_id: str
    phase: str
    state: DisputeState
    amount: int
    currency: str
    deducted: int
    reason_code: str
    respond_by: datetime | None
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> DisputeView:
        return cls(
            "disp_AHfqOvkldwsbqt",
            "01a2130d-48bf-7174-b972-596a06fb2351",
            "pay_29QQoUBi66xm2f",
            "chargeback",
            DisputeState.OPEN,
            100_000,
            "INR",
            0,
            "goods_or_services_not_received_or_partially_received",
            datetime(2026, 2, 7, 18, 30, tzinfo=UTC),
            datetime(2026, 1, 31, 18, 30, tzinfo=UTC),
            1,
        )


class DisputeTimer(msgspec.Struct, frozen=True):
    """What the timer `payments.dispute_due` carries."""

    dispute_id: str
