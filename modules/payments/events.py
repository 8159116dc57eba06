"""What payments tells other modules. `modules/programs/PLACES.md` says what programs does with it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec


class OrderCreated(msgspec.Struct, frozen=True, kw_only=True, tag="payments.OrderCreated"):
    """Somebody means to buy a place for `user_id`. `amount` is in minor units of `currency`, and may be 0."""

    order_id: str
    program_id: str
    user_id: str
    amount: int
    currency: str
    at: datetime


class PaymentCaptured(msgspec.Struct, frozen=True, tag="payments.PaymentCaptured"):
    """A user has paid for a place in a program. The event of one payment may come more than once.

    `amount` is in minor units of `currency`.
    """

    payment_id: str
    program_id: str
    user_id: str
    order_id: str = ""
    amount: int = 0
    currency: str = ""
    at: datetime | None = None


class PaymentFailed(msgspec.Struct, frozen=True, tag="payments.PaymentFailed"):
    """An attempt to pay has failed. The order may still be paid by another attempt, or by this one, later."""

    payment_id: str
    program_id: str
    user_id: str
    order_id: str
    reason: str = ""


class PaymentRefunded(msgspec.Struct, frozen=True, tag="payments.PaymentRefunded"):
    """Money has gone back to the user; `amount` of it with this refund, in minor units of `currency`.

    The place goes with it when `full` and not `keep_place`: the user has all of the money back.
    """

    payment_id: str
    program_id: str
    user_id: str
    order_id: str = ""
    refund_id: str = ""
    amount: int = 0
    currency: str = ""
    full: bool = True
    keep_place: bool = False
    at: datetime | None = None


class RefundReversed(msgspec.Struct, frozen=True, kw_only=True, tag="payments.RefundReversed"):
    """The bank sent a refund back: its `amount` is ours again, in minor units of `currency`."""

    payment_id: str
    program_id: str
    user_id: str
    order_id: str
    refund_id: str
    amount: int
    currency: str
    at: datetime


class InvoiceIssued(msgspec.Struct, frozen=True, tag="payments.InvoiceIssued"):
    """An invoice or a credit note has its number. `resent`: it is told again, because somebody asked for it.

    `user_id` is the student's, `buyer_id` the payer's; an adult who paid by a link has no account of their own.
    """

    invoice_id: str
    number: str
    order_id: str
    user_id: str
    credit_note: bool = False
    buyer_id: str = ""
    resent: bool = False


class DisputeOpened(msgspec.Struct, frozen=True, tag="payments.DisputeOpened"):
    """The payer's bank asks for the money back; evidence is due by `respond_by` (RFC 3339)."""

    dispute_id: str
    payment_id: str
    order_id: str
    amount: int
    currency: str
    respond_by: str = ""


class DisputeLost(msgspec.Struct, frozen=True, tag="payments.DisputeLost"):
    """The payer's bank took money back; `amount` of it by this dispute, in minor units of `currency`.

    The place goes with it when `full` and not `keep_place`: nothing is left of what was paid.
    """

    dispute_id: str
    payment_id: str
    program_id: str
    user_id: str
    order_id: str
    amount: int
    currency: str
    full: bool = True
    keep_place: bool = False
    at: datetime | None = None


class WebhookReceived(msgspec.Struct, frozen=True, tag="payments.WebhookReceived"):
    """A message of the vendor is stored, and is to be handled. For payments itself."""

    webhook_id: str


class OrderDue(msgspec.Struct, frozen=True, tag="payments.OrderDue"):
    """An order is to be compared with the vendor's. For payments itself."""

    order_id: str


class SettlementDue(msgspec.Struct, frozen=True, tag="payments.SettlementDue"):
    """The vendor's settlements of a day in India (`2026-11-30`) are to be compared. For payments itself."""

    day: str


class LinkClosed(msgspec.Struct, frozen=True, tag="payments.LinkClosed"):
    """An order is closed that could be paid by a link: nobody is to pay by it any more. For payments itself."""

    order_id: str


class PaymentAuthorized(msgspec.Struct, frozen=True, tag="payments.PaymentAuthorized"):
    """A payment waits to be captured. For payments itself."""

    payment_id: str
    order_id: str


class RefundDue(msgspec.Struct, frozen=True, tag="payments.RefundDue"):
    """A refund is to be sent to the vendor, or to be looked up there. For payments itself."""

    refund_id: str


EVENTS: Final = (
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    RefundReversed,
    InvoiceIssued,
    DisputeOpened,
    DisputeLost,
    WebhookReceived,
    OrderDue,
    LinkClosed,
    SettlementDue,
    PaymentAuthorized,
    RefundDue,
)
