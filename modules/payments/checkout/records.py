"""The rows of an order, its payments and its refunds, as the payments module reads them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from modules.payments.states import OrderState, PaymentState, RefundOrigin, RefundState

# How our receipts begin, with the order's id after it: at most 40 characters.
ORDER_RECEIPT: Final = "o-"
LINK_RECEIPT: Final = "l-"


class Order(msgspec.Struct, frozen=True):
    """What a place in a program is sold for; amounts are minor units of `currency`, with GST in them."""

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
    tax_rate: Decimal
    place_of_supply: str
    billing_name: str
    billing_address: str
    gstin: str
    coupon_id: str | None
    coupon_code: str
    receipt: str
    vendor_order_id: str | None
    link_id: str | None
    paid_by: str | None
    paid_at: datetime | None
    refunded: int
    expires_at: datetime
    created_at: datetime
    rev: int

    @property
    def by_link(self) -> bool:
        """Whether it is paid by a link of the vendor's, and not on the checkout page."""
        return self.receipt.startswith(LINK_RECEIPT)


class Payment(msgspec.Struct, frozen=True):
    """An attempt to pay, as far as it is known. Without `order_id` nothing says yet whose it is."""

    id: str
    order_id: str | None
    vendor_order_id: str
    state: PaymentState
    captured: bool
    signed: bool
    announced: str
    amount: int
    currency: str
    fee: int | None
    tax: int | None
    method: str
    error_code: str
    error_reason: str
    error_text: str
    created_at: datetime | None
    captured_at: datetime | None


class Refund(msgspec.Struct, frozen=True):
    """Money that goes back, or went. `processed_at` is when it was counted in the order and the books."""

    id: str
    payment_id: str
    vendor_refund_id: str | None
    origin: RefundOrigin
    state: RefundState
    amount: int
    currency: str
    keep_place: bool
    reason: str
    requested_by: str
    processed_at: datetime | None
    created_at: datetime
    rev: int
