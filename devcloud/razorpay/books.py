"""The books: all entities and their sums, for a test that compares to the paisa."""

from __future__ import annotations

from devcloud.document import Document
from devcloud.razorpay.account import Account


def books(account: Account) -> Document:
    """Everything in the order of creation. The sums are in paise, of payments that were captured at some time."""
    state = account.store.state
    captured = [payment for payment in state.payments.values() if payment.captured]
    refunds = [refund for refund in state.refunds.values() if refund.status != "failed"]
    asked = sum(refund.amount for refund in refunds if not refund.own.automatic)
    gross, fees = sum(payment.amount for payment in captured), sum(payment.fee or 0 for payment in captured)
    return {
        "orders": [order.shown() for order in state.orders.values()],
        "payments": [payment.with_card() for payment in state.payments.values()],
        "payment_links": [link.shown() for link in state.payment_links.values()],
        "refunds": [refund.shown() | {"automatic": refund.own.automatic} for refund in state.refunds.values()],
        "totals": {
            "captured": gross,
            "fees": fees,
            "tax": sum(payment.tax or 0 for payment in captured),
            "refunded": asked,
            "refunded_unasked": sum(refund.amount for refund in refunds if refund.own.automatic),
            "net": gross - fees - asked,
        },
    }
