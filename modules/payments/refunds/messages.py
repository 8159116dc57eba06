"""What the routes and the timer of refunds carry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.text import LINE, Texts
from modules.payments.states import RefundOrigin, RefundState

ID: Final = "01a22ccd-7fe5-7513-9cb5-32d02cf1a10b"
ORDER: Final = "01a2130d-48bf-7174-b972-596a06fb2351"
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class NewRefund(Texts, frozen=True):
    """`POST /payments/orders/{id}/refunds`. Without `amount` all that is left of the payment goes back.

    `amount` is in minor units of the order's currency. The payer and the student see the reason. With `keep_place` the
    student keeps the place, also when all of the money goes back.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=200), LINE]
    amount: Annotated[int, Meta(gt=0, le=2**53)] | None = None
    keep_place: bool = False

    @classmethod
    def example(cls) -> NewRefund:
        return cls("The class was cancelled", 25_000, keep_place=True)


class RefundDetail(msgspec.Struct, frozen=True):
    """A refund as payer and student see it. `order_id` is null while the vendor has told of the refund alone."""

    id: str
    order_id: str | None
    payment_id: str
    origin: RefundOrigin
    state: RefundState
    amount: int
    currency: str
    keep_place: bool
    reason: str
    created_at: datetime
    processed_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> RefundDetail:
        return cls(
            ID,
            ORDER,
            "pay_29QQoUBi66xm2f",
            RefundOrigin.REQUESTED,
            RefundState.PROCESSED,
            25_000,
            "INR",
            True,
            "The class was cancelled",
            AT,
            AT,
            3,
        )


class RefundRecord(RefundDetail, frozen=True, kw_only=True):
    """A refund as an admin sees it. `failure` is what the vendor said last, while there is trouble."""

    vendor_refund_id: str | None
    requested_by: str
    failure: str
    attempts: int
    retry_of: str | None

    @classmethod
    def example(cls) -> RefundRecord:
        shown = msgspec.structs.asdict(RefundDetail.example())
        return cls(
            **shown,
            vendor_refund_id="rfnd_FP8QHiV938haTz",
            requested_by="admin-1",
            failure="",
            attempts=1,
            retry_of=None,
        )


class RefundTimer(msgspec.Struct, frozen=True):
    """What the timer `payments.refund_due` carries."""

    refund_id: str
