"""What is known of a payment after one more message: the states move up, and other facts are kept. No IO.

Each merge is commutative, associative and idempotent, so that no order of messages matters (`states.py`).
"""

from __future__ import annotations

import msgspec

from modules.payments.checkout.records import Order, Payment
from modules.payments.states import PaymentState, later
from modules.payments.vendor.entities import VendorPayment


def merged(known: Payment, told: VendorPayment) -> Payment:
    """The payment's row after what Razorpay says of it. `captured_at` is left to the caller."""
    captured = told.captured or told.status == PaymentState.CAPTURED
    # A state that Razorpay adds later says no more than that there is such a payment.
    status = PaymentState(told.status) if told.status in set(PaymentState) else PaymentState.CREATED
    error = (told.error_code or "", told.error_reason or "", told.error_description or "")
    code, reason, text = max((known.error_code, known.error_reason, known.error_text), error)
    return msgspec.structs.replace(
        known,
        vendor_order_id=known.vendor_order_id or told.order_id or "",
        state=later(known.state, status),
        captured=known.captured or captured,
        amount=known.amount or told.amount,
        currency=known.currency or told.currency,
        # Of a payment that was not captured the fee is none of ours.
        fee=_most(known.fee, told.fee if captured else None),
        tax=_most(known.tax, told.tax if captured else None),
        method=max(known.method, told.method or ""),
        error_code=code,
        error_reason=reason,
        error_text=text[:500],
        created_at=min(filter(None, (known.created_at, told.created_at))),
    )


def fits(order: Order, payment: Payment) -> bool:
    """Whether the payment is of the order's amount and currency."""
    return (payment.amount, payment.currency) == (order.amount, order.currency)


def is_under_way(payment: Payment) -> bool:
    """Whether the payer has done their part, and the bank or the vendor has not decided."""
    if payment.state is PaymentState.AUTHORIZED:
        return True
    return payment.signed and payment.state in (PaymentState.UNKNOWN, PaymentState.CREATED)


def _most(known: int | None, told: int | None) -> int | None:
    return max((value for value in (known, told) if value is not None), default=None)
