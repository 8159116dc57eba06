"""Refunds: by the merchant, and by Razorpay itself for payments that were never captured.

    pending ──► processed ──► failed (the bank sends the money back)
       └──────► failed

`amount_refunded` of the payment counts a refund from its creation. A refund that fails is taken off again.
"""

from __future__ import annotations

from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Payment, Refund, RefundOwn, new_id

FINISH = "finish_refund"
REVERSE = "reverse_refund"


def refund_unasked(account: Account, payment: Payment) -> None:
    """Razorpay gives an authorised payment back by itself."""
    add(
        account,
        payment,
        Refund(
            id=new_id("rfnd"),
            amount=payment.amount,
            currency=payment.currency,
            payment_id=payment.id,
            created_at=account.clock.seconds(),
            own=RefundOwn(automatic=True),
        ),
    )


def add(account: Account, payment: Payment, refund: Refund) -> None:
    """Keep a new refund, which is pending."""
    refund.acquirer_data = {"arn": None} if payment.method in ("card", "netbanking") else {"rrn": None}
    refund.speed_processed = "normal"
    account.store.state.refunds[refund.id] = refund
    payment.own.refunds.append(refund.id)
    payment.amount_refunded += refund.amount
    _mark(payment)
    _emit(account, "refund.created", refund)
    account.timers.after(account.settings.refund_seconds, FINISH, refund.id)
    account.store.touch()


def finish(account: Account, refund_id: str) -> None:
    """The time that a refund takes is over; the settings say what becomes of it."""
    refund = account.store.state.refunds.get(refund_id)
    if refund is None or refund.status != "pending" or account.settings.refund == "pending":
        return
    if account.settings.refund == "failed":
        fail(account, refund)
        return
    process(account, refund)
    if account.settings.refund == "reversed":
        account.timers.after(account.settings.reversal_seconds, REVERSE, refund.id)


def reverse(account: Account, refund_id: str) -> None:
    """The bank could not give the money to the customer after all."""
    refund = account.store.state.refunds.get(refund_id)
    if refund is not None and refund.status == "processed":
        fail(account, refund)


def process(account: Account, refund: Refund) -> None:
    """The bank has the money."""
    refund.status = "processed"
    refund.acquirer_data = {name: f"{account.store.number():012d}" for name in refund.acquirer_data}
    _emit(account, "refund.processed", refund)
    account.store.touch()


def fail(account: Account, refund: Refund) -> None:
    """The money goes back to the merchant."""
    refund.status = "failed"
    payment = account.store.state.payments[refund.payment_id]
    payment.amount_refunded -= refund.amount
    _mark(payment)
    _emit(account, "refund.failed", refund)
    account.store.touch()


def _mark(payment: Payment) -> None:
    refunded = payment.amount_refunded
    payment.refund_status = None if refunded == 0 else "full" if refunded == payment.amount else "partial"
    if payment.refund_status == "full":
        payment.status = "refunded"
    else:
        payment.status = "captured" if payment.captured else "authorized"


def _emit(account: Account, event: str, refund: Refund) -> None:
    payment = account.store.state.payments[refund.payment_id]
    account.webhooks.emit(event, payment.order_id or payment.id, refund=refund.shown(), payment=payment.with_card())
