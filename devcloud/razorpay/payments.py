"""Payments: their states, and what the merchant may do with them.

    created ──► authorized ──► captured ──► refunded
       │            ▲  │                       ▲
       └──► failed ─┘  └── auto-refund ────────┘

A failed payment may still be authorised, hours or days later: the bank's answer came late. Razorpay refunds an
authorised payment by itself when its order is paid already, or when nobody captured it in time. Such a payment
has `captured: false` for ever.
"""

from __future__ import annotations

from devcloud.document import Document
from devcloud.razorpay import balance, fields, orders, payment_links
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Order, Payment
from devcloud.razorpay.errors import RazorpayError, unknown_id
from devcloud.razorpay.operations import Call, collection, listed, operations
from devcloud.razorpay.refunds import refund_unasked

CAPTURE_ENDS = "capture_ends"

PAID_ALREADY = (
    "Your payment has been declined as the order is already paid. Please initiate the payment with a new order."
)


def get(account: Account, payment_id: str) -> Payment:
    """Raises RazorpayError."""
    payment = account.store.state.payments.get(payment_id)
    if payment is None:
        raise unknown_id()
    return payment


def order_of(account: Account, payment: Payment) -> Order:
    """The order that a payment is for. Every payment of the stand-in has one."""
    assert payment.order_id is not None
    return orders.get(account, payment.order_id)


def start(account: Account, payment: Payment) -> Payment:
    """A customer starts to pay."""
    order = order_of(account, payment)
    account.store.state.payments[payment.id] = payment
    order.own.payments.append(payment.id)
    order.attempts += 1
    if order.status == "created":
        order.status = "attempted"
    account.store.touch()
    return payment


def fail(account: Account, payment: Payment, *, description: str, source: str, step: str, reason: str) -> None:
    """The bank, the customer or Razorpay ends a payment without money."""
    if payment.status != "created":
        raise RazorpayError(f"A payment that is {payment.status} cannot fail.")
    payment.status = "failed"
    payment.error_code = "BAD_REQUEST_ERROR"
    payment.error_description, payment.error_source = description, source
    payment.error_step, payment.error_reason = step, reason
    account.webhooks.emit("payment.failed", _subject(payment), payment=payment.with_card())
    account.store.touch()


def authorize(account: Account, payment: Payment) -> None:
    """The bank holds the money for the merchant; what follows is as the order and the account say."""
    if payment.status not in ("created", "failed"):
        raise RazorpayError(f"A payment that is {payment.status} cannot be authorized.")
    now = account.clock.now()
    order = order_of(account, payment)
    payment.status = "authorized"
    payment.own.authorized_at = now
    payment.error_code = payment.error_description = payment.error_source = None
    payment.error_step = payment.error_reason = None
    account.webhooks.emit("payment.authorized", _subject(payment), payment=payment.with_card())
    age = now - payment.created_at
    if payment.amount > order.amount_due or (order.status == "paid"):
        refund_unasked(account, payment)
    elif order.own.capture == "automatic" and age <= order.own.automatic_seconds:
        capture(account, payment)
    else:
        account.timers.at(payment.created_at + order.own.manual_seconds, CAPTURE_ENDS, payment.id)
    account.store.touch()


def capture_ended(account: Account, payment_id: str) -> None:
    """The time to capture a payment is over."""
    payment = account.store.state.payments.get(payment_id)
    if payment is not None and payment.status == "authorized":
        refund_unasked(account, payment)


def capture(account: Account, payment: Payment) -> None:
    """The money is the merchant's, without the fee."""
    settings, order = account.settings, order_of(account, payment)
    payment.status, payment.captured = "captured", True
    payment.own.captured_at = account.clock.now()
    rate = settings.fees_by_method.get(payment.method, settings.fee_basis_points)
    price = portion(payment.amount, rate)
    # Razorpay's `fee` has the tax in it.
    payment.tax = portion(price, settings.tax_basis_points)
    payment.fee = price + payment.tax
    balance.credit_payment(account, payment)
    order.amount_paid += payment.amount
    order.amount_due -= payment.amount
    account.webhooks.emit("payment.captured", _subject(payment), payment=payment.with_card())
    if order.amount_due == 0:
        order.status = "paid"
        account.webhooks.emit("order.paid", _subject(payment), payment=payment.with_card(), order=order.shown())
    if order.own.payment_link:
        payment_links.paid(account, order, payment)
    if order.status == "paid":
        _refund_others(account, order)
    account.store.touch()


def portion(amount: int, basis_points: int) -> int:
    """A share of an amount in whole paise, halves up."""
    return (amount * basis_points + 5_000) // 10_000


def _refund_others(account: Account, order: Order) -> None:
    for payment_id in order.own.payments:
        payment = account.store.state.payments[payment_id]
        if payment.status == "authorized":
            refund_unasked(account, payment)


def _subject(payment: Payment) -> str:
    return payment.order_id or payment.id


@operations("FetchPayment", "GET", "payments/{}")
def fetch(account: Account, call: Call) -> Document:
    """One payment."""
    payment = get(account, call.ids[0])
    return payment.with_card() if call.expands("card") else payment.shown()


@operations("ListPayments", "GET", "payments")
def list_payments(account: Account, call: Call) -> Document:
    """Payments, newest first."""
    found = listed(call, reversed(account.store.state.payments.values()))
    cards = call.expands("card")
    return collection([payment.with_card() if cards else payment.shown() for payment in found])


@operations("CapturePayment", "POST", "payments/{}/capture")
def capture_payment(account: Account, call: Call) -> Document:
    """Capture a payment that is authorised."""
    payment = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("amount", "currency"))
    amount = fields.amount(body, payment.currency)
    currency = body.get("currency")
    if payment.status == "captured":
        raise RazorpayError("This payment has already been captured", reason="payment_already_captured")
    if payment.status == "refunded":
        raise RazorpayError("The payment has been fully refunded already", reason="payment_already_refunded")
    if payment.status != "authorized":
        said = "Only payments which have been authorized and not yet captured can be captured"
        raise RazorpayError(said, reason="payment_not_authorized")
    if amount != payment.amount:
        raise RazorpayError("Capture amount must be equal to the amount authorized", field="amount")
    if currency is not None and currency != payment.currency:
        raise RazorpayError("Capture currency must be equal to the currency authorized", field="currency")
    if payment.amount > order_of(account, payment).amount_due:
        raise RazorpayError(PAID_ALREADY)
    capture(account, payment)
    return payment.shown()


@operations("UpdatePayment", "PATCH", "payments/{}")
def update(account: Account, call: Call) -> Document:
    """Replace the notes."""
    payment = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("notes",))
    fields.required(body, "notes")
    payment.notes = fields.notes(body)
    return payment.shown()


@operations("FetchCard", "GET", "payments/{}/card")
def fetch_card(account: Account, call: Call) -> Document:
    """The card that a payment was made with."""
    document = get(account, call.ids[0]).with_card()
    if "card" not in document:
        raise unknown_id()
    card: Document = document["card"]
    return card
