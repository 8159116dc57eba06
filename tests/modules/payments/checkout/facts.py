"""What Razorpay says, as structs: for tests of what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gateway.identifier import new_id
from modules.payments.checkout.records import Order
from modules.payments.states import OrderState
from modules.payments.vendor.entities import VendorPayment, VendorRefund

AT = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
AMOUNT = 118_000


def order(**values: Any) -> Order:
    """An order that can be paid, with ids of its own."""
    id = new_id()
    return Order(
        **{
            "id": id,
            "user_id": f"student-{id}",
            "buyer_id": f"student-{id}",
            "program_id": f"program-{id}",
            "title": "Algebra",
            "state": OrderState.OPEN,
            "currency": "INR",
            "price": AMOUNT,
            "discount": 0,
            "amount": AMOUNT,
            "taxable": 100_000,
            "cgst": 9_000,
            "sgst": 9_000,
            "igst": 0,
            "tax_rate": Decimal(18),
            "place_of_supply": "27",
            "billing_name": "",
            "billing_address": "",
            "gstin": "",
            "coupon_id": None,
            "coupon_code": "",
            "receipt": f"o-{id}",
            "vendor_order_id": f"order_{id.replace('-', '')}",
            "link_id": None,
            "paid_by": None,
            "paid_at": None,
            "refunded": 0,
            "expires_at": AT,
            "created_at": AT,
            "rev": 1,
        }
        | values
    )


def payment(of: Order, status: str, number: int = 1, **values: Any) -> VendorPayment:
    """A payment of an order, as it is told of in one of its states."""
    captured = status == "captured"
    known: dict[str, Any] = {
        "id": f"pay_{number}_{of.id.replace('-', '')}",
        "amount": of.amount,
        "currency": of.currency,
        "status": status,
        "created_at": AT,
        "order_id": of.vendor_order_id or f"order_{of.id.replace('-', '')}",
        "captured": captured,
        "method": "upi",
        "fee": 2_784 if captured else None,
        "tax": 425 if captured else None,
    }
    if status == "failed":
        known |= {"error_code": "BAD_REQUEST_ERROR", "error_reason": "payment_timed_out", "error_description": "Late"}
    return VendorPayment(**known | values)


def refund(of: VendorPayment, status: str, amount: int, number: int = 1, **values: Any) -> VendorRefund:
    known: dict[str, Any] = {
        "id": f"rfnd_{number}_{of.id}",
        "payment_id": of.id,
        "amount": amount,
        "currency": of.currency,
        "status": status,
        "created_at": AT,
    }
    return VendorRefund(**known | values)
