"""What the routes of orders take and answer, and what is pushed about an order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import TEXT, Texts
from modules.payments.states import OrderState, PaymentState, RefundOrigin, RefundState

ProgramId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
CouponCode = Annotated[
    str, Meta(pattern="^[A-Za-z0-9 -]{0,64}$", max_length=64, description="A coupon's code; empty is none")
]
StateCode = Annotated[
    str,
    Meta(pattern="^([0-9]{2})?$", description="The two digits of the buyer's state in GST; empty is the seller's"),
]
Gstin = Annotated[
    str, Meta(pattern="^([0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]{3})?$", description="For an invoice to a business")
]
VendorId = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_]+$")]
Line = Annotated[str, Meta(max_length=200), TEXT]
Address = Annotated[str, Meta(max_length=1000), TEXT]

EXAMPLE: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
ORDER: Final = "01a2130d-48bf-7174-b972-596a06fb2351"
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class NewQuote(Texts, frozen=True):
    """What a place would cost you. The answer reserves nothing."""

    program_id: ProgramId
    coupon: CouponCode = ""
    place_of_supply: StateCode = ""

    @classmethod
    def example(cls) -> NewQuote:
        return cls(EXAMPLE, place_of_supply="27")


class Quote(msgspec.Struct, frozen=True):
    """What a place costs, in minor units of `currency`: `price` - `discount` = `amount`, with these taxes in it."""

    program_id: str
    title: str
    currency: str
    price: int
    discount: int
    amount: int
    taxable: int
    cgst: int
    sgst: int
    igst: int
    place_of_supply: str
    coupon_code: str

    @classmethod
    def example(cls) -> Quote:
        return cls(EXAMPLE, "Algebra", "INR", 100_000, 0, 100_000, 84_746, 7_627, 7_627, 0, "27", "")


class NewOrder(Texts, frozen=True):
    """An order for a place, for yourself. The price is the program's, never the client's."""

    program_id: ProgramId
    coupon: CouponCode = ""
    place_of_supply: StateCode = ""
    billing_name: Line = ""
    billing_address: Address = ""
    gstin: Gstin = ""

    @classmethod
    def example(cls) -> NewOrder:
        return cls(EXAMPLE, "", "27", "Asha Rao", "12 Lake Road, Pune 411001")


class OrderView(msgspec.Struct, frozen=True):
    """An order. `state` says where it stands:

    created      the payment service has not confirmed it yet: send the same request again
    open         it can be paid
    confirming   paid as far as is known; the bank has not confirmed it yet, which may take up to three days
    paid         the place is bought
    expired      the time to pay is over; money that still comes buys the place, or goes back
    cancelled    as expired, by the buyer
    refunded     all of the money went back
    """

    id: str
    user_id: str
    buyer_id: str
    program_id: str
    title: str
    state: OrderState
    currency: str
    price: int
    discount: int
    amount: int
    taxable: int
    cgst: int
    sgst: int
    igst: int
    place_of_supply: str
    coupon_code: str
    paid_at: datetime | None
    refunded: int
    expires_at: datetime
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> OrderView:
        return cls(
            ORDER,
            "asha",
            "asha",
            EXAMPLE,
            "Algebra",
            OrderState.OPEN,
            "INR",
            100_000,
            0,
            100_000,
            84_746,
            7_627,
            7_627,
            0,
            "27",
            "",
            None,
            0,
            AT,
            AT,
            2,
        )


class AttemptView(msgspec.Struct, frozen=True):
    """An attempt to pay. `error` is the payment service's own words for a failure."""

    id: str
    state: PaymentState
    captured: bool
    amount: int
    currency: str
    method: str
    error: str
    created_at: datetime | None


class RefundView(msgspec.Struct, frozen=True):
    """Money that goes back, or went."""

    id: str
    payment_id: str
    state: RefundState
    origin: RefundOrigin
    amount: int
    currency: str
    reason: str
    created_at: datetime


class OrderDetail(OrderView, frozen=True, kw_only=True):
    """An order with its attempts to pay and its refunds."""

    payments: list[AttemptView]
    refunds: list[RefundView]

    @classmethod
    def example(cls) -> OrderDetail:
        order = msgspec.structs.asdict(OrderView.example())
        attempt = AttemptView("pay_29QQoUBi66xm2f", PaymentState.CREATED, False, 100_000, "INR", "upi", "", AT)
        return cls(**order, payments=[attempt], refunds=[])


class Prefill(msgspec.Struct, frozen=True):
    """What the checkout page fills in for the payer."""

    name: str


class Checkout(msgspec.Struct, frozen=True):
    """An order, and what Razorpay's checkout page is opened with.

    An order of 0 is paid at once: it has no `vendor_order_id`, and no page is opened. `timeout` is how many seconds the
    page may stay open.
    """

    order: OrderView
    key_id: str
    vendor_order_id: str
    amount: int
    currency: str
    name: str
    description: str
    prefill: Prefill
    timeout: int

    @classmethod
    def example(cls) -> Checkout:
        return cls(
            OrderView.example(),
            "rzp_live_ILgsfZCZoFIKMb",
            "order_IluGWxBm9U8zJ8",
            100_000,
            "INR",
            "KSMP",
            "Algebra",
            Prefill("Asha Rao"),
            1800,
        )


class Verification(Texts, frozen=True):
    """What Razorpay's checkout page hands over after a payment, as it is."""

    razorpay_order_id: VendorId
    razorpay_payment_id: VendorId
    razorpay_signature: Annotated[str, Meta(pattern="^[!-~]{1,200}$", max_length=200)]

    @classmethod
    def example(cls) -> Verification:
        return cls(
            "order_IluGWxBm9U8zJ8",
            "pay_29QQoUBi66xm2f",
            "9ef4dffbfd84f131" * 4,
        )


ORDER_PUSH: Final = PushType("payments.order", OrderView)
