"""The books: all entities and their sums, for a test that compares to the paisa."""

from __future__ import annotations

from devcloud.document import Document
from devcloud.razorpay.account import Account
from devcloud.razorpay.settlements import item_of


def books(account: Account) -> Document:
    """Everything in the order of creation. `transactions` are all movements of the balance, settled or not."""
    state = account.store.state
    return {
        "orders": [order.shown() for order in state.orders.values()],
        "payments": [payment.with_card() for payment in state.payments.values()],
        "payment_links": [link.shown() for link in state.payment_links.values()],
        "refunds": [refund.shown() | {"automatic": refund.own.automatic} for refund in state.refunds.values()],
        "disputes": [dispute.shown() for dispute in state.disputes.values()],
        "settlements": [settlement.shown() for settlement in state.settlements.values()],
        "transactions": [item_of(account, transaction) for transaction in state.transactions.values()],
        "totals": _totals(account),
    }


def _totals(account: Account) -> dict[str, int]:
    """Sums in paise. `captured` counts payments that were captured at some time, `refunded` what did not fail.

    `net` is what the merchant keeps: captured - fees - refunded - lost. It is settled, or the `balance`.
    """
    state = account.store.state
    captured = [payment for payment in state.payments.values() if payment.captured]
    refunds = [refund for refund in state.refunds.values() if refund.status != "failed"]
    gross, fees = sum(payment.amount for payment in captured), sum(payment.fee or 0 for payment in captured)
    refunded = sum(refund.amount for refund in refunds if not refund.own.automatic)
    lost = sum(dispute.amount_deducted for dispute in state.disputes.values())
    return {
        "captured": gross,
        "fees": fees,
        "tax": sum(payment.tax or 0 for payment in captured),
        "refunded": refunded,
        "refunded_unasked": sum(refund.amount for refund in refunds if refund.own.automatic),
        "lost": lost,
        "net": gross - fees - refunded - lost,
        "settled": sum(settlement.amount for settlement in state.settlements.values()),
        "balance": sum(item.credit - item.debit for item in account.store.unsettled.values()),
    }
