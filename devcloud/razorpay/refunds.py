"""Refunds: by the merchant, and by Razorpay itself for payments that were never captured.

    pending ──► processed ──► failed (the bank sends the money back)
       └──────► failed

`amount_refunded` of the payment counts a refund from its creation. A refund that fails is taken off again.
"""

from __future__ import annotations

import re

from devcloud.document import Document
from devcloud.razorpay import balance, fields
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Payment, Refund, RefundOwn, new_id
from devcloud.razorpay.errors import RazorpayError, not_applicable, unknown_id
from devcloud.razorpay.operations import Call, collection, listed, operations
from devcloud.razorpay.state import RefundKey

FINISH = "finish_refund"
REVERSE = "reverse_refund"

KEY_HEADER = "x-refund-idempotency"
_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")
LONGEST_RECEIPT = 255


def get(account: Account, refund_id: str) -> Refund:
    """Raises RazorpayError."""
    refund = account.store.state.refunds.get(refund_id)
    if refund is None:
        raise unknown_id()
    return refund


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
    slowed = refund.speed_requested == "optimum" and not account.settings.instant_refunds
    refund.speed_processed = "normal" if slowed or refund.speed_requested == "normal" else "instant"
    account.store.state.refunds[refund.id] = refund
    payment.own.refunds.append(refund.id)
    payment.amount_refunded += refund.amount
    _mark(payment)
    _emit(account, "refund.created", refund)
    if slowed:
        _emit(account, "refund.speed_changed", refund)
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
    if not refund.own.automatic:
        balance.credit_failed_refund(account, refund)
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


def create(account: Account, payment_id: str, body: Document, key: str) -> Document:
    """A refund by the merchant. The same key and the same body give the same refund. Raises RazorpayError."""
    if key and not _KEY.fullmatch(key):
        said = "The idempotency key must be at least 10 characters of letters, digits, hyphens and underscores."
        raise not_applicable(said)
    known = account.store.state.refund_keys.get(key) if key else None
    if known is not None:
        if known.payment_id != payment_id or known.body != body:
            raise not_applicable("Different request with the same idempotency key has already been processed.")
        return get(account, known.refund_id).shown()
    payment = account.store.state.payments.get(payment_id)
    if payment is None:
        raise unknown_id()
    fields.known(body, ("amount", "speed", "notes", "receipt"))
    refund = Refund(
        id=new_id("rfnd"),
        amount=_amount(payment, body),
        currency=payment.currency,
        payment_id=payment.id,
        speed_requested=fields.choice(body, "speed", ("normal", "optimum"), "normal"),
        receipt=fields.text(body, "receipt", LONGEST_RECEIPT),
        notes=fields.notes(body),
        created_at=account.clock.seconds(),
    )
    add(account, payment, refund)
    balance.debit_refund(account, refund)
    if key:
        account.store.state.refund_keys[key] = RefundKey(payment_id=payment_id, body=body, refund_id=refund.id)
    return refund.shown()


def _amount(payment: Payment, body: Document) -> int:
    """What is refunded: all that is left, when the request does not say."""
    left = payment.amount - payment.amount_refunded
    amount = left if body.get("amount") is None else fields.amount(body, payment.currency)
    if payment.refund_status == "full":
        raise RazorpayError("The payment has been fully refunded already", reason="payment_already_refunded")
    if not payment.captured:
        raise RazorpayError("The payment status should be captured for action to be taken")
    if amount > left:
        raise RazorpayError("The refund amount provided is greater than amount captured", field="amount")
    return amount


@operations("CreateRefund", "POST", "payments/{}/refund")
def create_refund(account: Account, call: Call) -> Document:
    """Refund a payment, in full or in part."""
    return create(account, call.ids[0], call.body, call.request.header(KEY_HEADER))


@operations("CreateRefundOfPayment", "POST", "refunds")
def create_refund_of_payment(account: Account, call: Call) -> Document:
    """The same, with the payment in the body."""
    body = call.body
    payment_id = fields.required(body, "payment_id")
    rest = {name: value for name, value in body.items() if name != "payment_id"}
    return create(account, str(payment_id), rest, call.request.header(KEY_HEADER))


@operations("ListRefundsOfPayment", "GET", "payments/{}/refunds")
def list_of_payment(account: Account, call: Call) -> Document:
    """The refunds of a payment, newest first."""
    payment = account.store.state.payments.get(call.ids[0])
    if payment is None:
        raise unknown_id()
    newest = (account.store.state.refunds[refund_id] for refund_id in reversed(payment.own.refunds))
    return collection([refund.shown() for refund in listed(call, newest)])


@operations("FetchRefundOfPayment", "GET", "payments/{}/refunds/{}")
def fetch_of_payment(account: Account, call: Call) -> Document:
    """One refund of a payment."""
    refund = get(account, call.ids[1])
    if refund.payment_id != call.ids[0]:
        raise unknown_id()
    return refund.shown()


@operations("ListRefunds", "GET", "refunds")
def list_refunds(account: Account, call: Call) -> Document:
    """All refunds, newest first."""
    found = listed(call, reversed(account.store.state.refunds.values()))
    return collection([refund.shown() for refund in found])


@operations("FetchRefund", "GET", "refunds/{}")
def fetch(account: Account, call: Call) -> Document:
    """One refund."""
    return get(account, call.ids[0]).shown()


@operations("UpdateRefund", "PATCH", "refunds/{}")
def update(account: Account, call: Call) -> Document:
    """Replace the notes."""
    refund = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("notes",))
    fields.required(body, "notes")
    refund.notes = fields.notes(body)
    return refund.shown()
