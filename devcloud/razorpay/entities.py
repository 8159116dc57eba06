"""Razorpay's entities, as its API shows them, and beside each what the stand-in alone needs to know (`own`)."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import msgspec

from devcloud.document import Document

# Razorpay writes notes without pairs as an empty list.
Notes = dict[str, str] | list[str]

OrderStatus = Literal["created", "attempted", "paid"]
PaymentStatus = Literal["created", "authorized", "captured", "refunded", "failed"]
LinkStatus = Literal["created", "partially_paid", "paid", "cancelled", "expired"]
DisputeStatus = Literal["open", "under_review", "won", "lost", "closed"]
DisputePhase = Literal["fraud", "retrieval", "chargeback", "pre_arbitration", "arbitration"]
RefundStatus = Literal["pending", "processed", "failed"]


def new_id(kind: str) -> str:
    """An id like Razorpay's: the kind, and 14 letters and digits."""
    return f"{kind}_{secrets.token_hex(7)}"


class Entity(msgspec.Struct, kw_only=True):
    """Anything with an id."""

    id: str

    def shown(self) -> Document:
        """As the API shows it."""
        document: Document = msgspec.to_builtins(self)
        document.pop("own", None)
        return document


class OrderOwn(msgspec.Struct, kw_only=True):
    """`capture` and the times after the start of a payment, in seconds, that end its automatic and manual capture."""

    capture: Literal["automatic", "manual"]
    automatic_seconds: float
    manual_seconds: float
    partial: bool = False
    first_minimum: int = 0
    unique_receipt: bool = False
    payments: list[str] = []
    payment_link: str = ""


class Order(Entity, kw_only=True):
    """What a customer is to pay."""

    entity: str = "order"
    amount: int
    amount_paid: int = 0
    amount_due: int
    currency: str
    receipt: str | None = None
    offer_id: None = None
    status: OrderStatus = "created"
    attempts: int = 0
    notes: Notes = []
    created_at: int
    own: OrderOwn


class Card(msgspec.Struct, kw_only=True):
    """The card of a payment."""

    id: str
    entity: str = "card"
    name: str = ""
    last4: str = "1111"
    network: str = "Visa"
    type: str = "credit"
    issuer: str | None = "HDFC"
    international: bool = False
    emi: bool = False
    sub_type: str = "consumer"
    token_iin: str | None = None


class PaymentOwn(msgspec.Struct, kw_only=True):
    """When it was authorised and captured, its refunds and its card."""

    authorized_at: float | None = None
    captured_at: float | None = None
    refunds: list[str] = []
    card: Card | None = None


class Payment(Entity, kw_only=True):
    """One try of a customer to pay."""

    entity: str = "payment"
    amount: int
    currency: str
    status: PaymentStatus = "created"
    order_id: str | None = None
    invoice_id: None = None
    international: bool = False
    method: str
    amount_refunded: int = 0
    refund_status: Literal["partial", "full"] | None = None
    captured: bool = False
    description: str | None = None
    card_id: str | None = None
    bank: str | None = None
    wallet: str | None = None
    vpa: str | None = None
    email: str
    contact: str
    notes: Notes = []
    fee: int | None = None
    tax: int | None = None
    error_code: str | None = None
    error_description: str | None = None
    error_source: str | None = None
    error_step: str | None = None
    error_reason: str | None = None
    acquirer_data: dict[str, Any] = {}
    created_at: int
    upi: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    own: PaymentOwn = msgspec.field(default_factory=PaymentOwn)

    def with_card(self) -> Document:
        """As webhooks and `expand[]=card` show it."""
        document = self.shown()
        if self.own.card is not None:
            document["card"] = msgspec.to_builtins(self.own.card)
        return document


class RefundOwn(msgspec.Struct, kw_only=True):
    """`automatic`: made by Razorpay, of a payment that was never captured."""

    automatic: bool = False


class Refund(Entity, kw_only=True):
    """Money on its way back."""

    entity: str = "refund"
    amount: int
    currency: str
    payment_id: str
    notes: Notes = []
    receipt: str | None = None
    acquirer_data: dict[str, str | None] = {}
    created_at: int
    batch_id: None = None
    status: RefundStatus = "pending"
    speed_processed: str | None = None
    speed_requested: str = "normal"
    own: RefundOwn = msgspec.field(default_factory=RefundOwn)


class LinkOwn(msgspec.Struct, kw_only=True):
    """The order that payments of the link are for."""

    order_id: str


class LinkPayment(msgspec.Struct, kw_only=True):
    """A captured payment, as its link shows it."""

    amount: int
    created_at: int
    method: str
    payment_id: str
    plink_id: str
    status: str = "captured"
    updated_at: int


class PaymentLink(Entity, kw_only=True):
    """An address where a customer pays."""

    accept_partial: bool = False
    amount: int
    amount_paid: int = 0
    callback_method: str = ""
    callback_url: str = ""
    cancelled_at: int = 0
    created_at: int
    currency: str = "INR"
    customer: dict[str, str] = {}
    description: str = ""
    expire_by: int = 0
    expired_at: int = 0
    first_min_partial_amount: int = 0
    notes: dict[str, str] | None = None
    notify: dict[str, bool] = {}
    payments: list[LinkPayment] | None = None
    reference_id: str = ""
    reminder_enable: bool = False
    reminders: list[str] = []
    short_url: str
    status: LinkStatus = "created"
    updated_at: int
    upi_link: bool = False
    user_id: str = ""
    own: LinkOwn


class Settlement(Entity, kw_only=True):
    """A transfer to the merchant's bank."""

    entity: str = "settlement"
    amount: int
    status: Literal["created", "processed", "failed"] = "processed"
    fees: int = 0
    tax: int = 0
    utr: str
    created_at: int


class Transaction(msgspec.Struct, kw_only=True):
    """A movement on the merchant's balance, from `available_at` on to be settled."""

    entity_id: str
    type: Literal["payment", "refund", "adjustment"]
    debit: int = 0
    credit: int = 0
    amount: int
    fee: int = 0
    tax: int = 0
    currency: str
    payment_id: str
    created_at: int
    available_at: float
    description: str | None = None
    dispute_id: str | None = None
    settlement_id: str | None = None
    settled_at: int | None = None


class Dispute(Entity, kw_only=True):
    """A bank asks for the money of a payment."""

    entity: str = "dispute"
    payment_id: str
    amount: int
    currency: str
    amount_deducted: int = 0
    reason_code: str
    reason_description: str
    respond_by: int
    status: DisputeStatus = "open"
    phase: DisputePhase
    created_at: int
    evidence: dict[str, Any]
