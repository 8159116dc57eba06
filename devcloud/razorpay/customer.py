"""The customer at the checkout: starts payments, and gets what the browser would hand to the merchant's page.

A checkout page and the control endpoint `pay` stand upon this.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from devcloud.document import Document
from devcloud.razorpay import fields, orders, payment_links, payments
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Card, Notes, Order, Payment, PaymentLink, new_id
from devcloud.razorpay.errors import RazorpayError
from devcloud.razorpay.webhooks import signature

AUTHORIZE = "authorize"

Method = Literal["card", "upi", "netbanking", "wallet"]
Outcome = Literal["success", "failure", "failure_then_success", "late", "late_after_failure", "pending"]


class Failure(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a payment fails, as Razorpay describes it."""

    description: str = "Payment failed"
    source: str = "issuer"
    step: str = "payment_authorization"
    reason: str = "payment_failed"


class CardChoice(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of a card."""

    name: str = "Asha Rao"
    last4: Annotated[str, msgspec.Meta(pattern=r"^\d{4}$")] = "1111"
    network: str = "Visa"
    type: Literal["credit", "debit", "prepaid"] = "credit"
    issuer: str = "HDFC"


class Checkout(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a customer does with an order, or with a payment link. `amount` is for orders that take part payments.

    `late` leaves the payment `created` until it is authorised `after` seconds later; `late_after_failure` lets it fail
    first. `pending` leaves it `created`. `times` starts so many payments before the first is authorised, as two open
    tabs do. With `closed` the browser hands nothing to the merchant's page: the tab was closed.
    """

    order_id: str = ""
    payment_link_id: str = ""
    method: Method = "upi"
    outcome: Outcome = "success"
    amount: int | None = None
    after: Annotated[float, msgspec.Meta(ge=0.0)] = 3_600.0
    times: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    closed: bool = False
    email: str = "asha@example.com"
    contact: str = "+919876543210"
    description: str | None = None
    notes: dict[str, str] = {}
    vpa: str = "asha@upi"
    bank: str = "HDFC"
    wallet: str = "payzapp"
    card: CardChoice = msgspec.field(default_factory=CardChoice)
    failure: Failure = msgspec.field(default_factory=Failure)


def pay(account: Account, checkout: Checkout) -> Document:
    """Pay an order. The answer has the `payments`, and in `handed_over` what the browser gets of each: the three signed
    members of one that succeeded, or the `error` of one that failed. Those of the last one stand beside it, too.

    Raises RazorpayError.
    """
    if bool(checkout.order_id) == bool(checkout.payment_link_id):
        raise RazorpayError("Name either the order or the payment link.")
    order_id = checkout.order_id
    if checkout.payment_link_id:
        link = payment_links.get(account, checkout.payment_link_id)
        payment_links.payable(link)
        order_id = link.own.order_id
    order = orders.get(account, order_id)
    amount = _amount(order, checkout)
    started = [_start(account, order, checkout, amount) for _ in range(checkout.times)]
    if checkout.outcome == "failure_then_success":
        for payment in started:
            fail(account, payment, checkout.failure)
        started += [_start(account, order, checkout, amount) for _ in started]
    for payment in started:
        if payment.status == "created":
            _end(account, payment, checkout)
    answer: Document = {"payments": [payment.with_card() for payment in started]}
    if not checkout.closed:
        answer["handed_over"] = [handed_over(account, payment) for payment in started]
        answer |= answer["handed_over"][-1]
    return answer


def handed_over(account: Account, payment: Payment) -> Document:
    """What the checkout hands to the merchant's page, empty while the payment goes on."""
    if payment.status == "failed":
        error = {
            "code": payment.error_code,
            "description": payment.error_description,
            "source": payment.error_source,
            "step": payment.error_step,
            "reason": payment.error_reason,
            "metadata": {"payment_id": payment.id, "order_id": payment.order_id},
        }
        return {"error": error}
    if payment.status == "created":
        return {}
    order = payments.order_of(account, payment)
    if order.own.payment_link:
        return _handed_over_by_link(account, payment, payment_links.get(account, order.own.payment_link))
    signed = f"{payment.order_id}|{payment.id}".encode()
    return {
        "razorpay_payment_id": payment.id,
        "razorpay_order_id": payment.order_id,
        "razorpay_signature": signature(account.settings.key_secret, signed),
    }


def _handed_over_by_link(account: Account, payment: Payment, link: PaymentLink) -> Document:
    """What the callback of a payment link gets as its query."""
    signed = f"{link.id}|{link.reference_id}|{link.status}|{payment.id}".encode()
    return {
        "razorpay_payment_id": payment.id,
        "razorpay_payment_link_id": link.id,
        "razorpay_payment_link_reference_id": link.reference_id,
        "razorpay_payment_link_status": link.status,
        "razorpay_signature": signature(account.settings.key_secret, signed),
    }


def authorize_late(account: Account, payment_id: str) -> None:
    """The bank's answer comes at last."""
    payment = account.store.state.payments.get(payment_id)
    if payment is not None and payment.status in ("created", "failed"):
        payments.authorize(account, payment)


def _amount(order: Order, checkout: Checkout) -> int:
    # A customer whose order is paid meanwhile pays it once more.
    due = order.amount_due or order.amount
    if checkout.amount is None or checkout.amount == due:
        return due
    if not order.own.partial:
        raise RazorpayError("Payment amount must be equal to the order amount.", field="amount")
    least = order.own.first_minimum if order.amount_paid == 0 else 0
    if not max(fields.SMALLEST, least) <= checkout.amount <= due:
        raise RazorpayError("Payment amount is not within what is left of the order.", field="amount")
    return checkout.amount


def _start(account: Account, order: Order, checkout: Checkout, amount: int) -> Payment:
    number = f"{account.store.number():012d}"
    notes: Notes = checkout.notes or (dict(order.notes) if isinstance(order.notes, dict) else [])
    payment = Payment(
        id=new_id("pay"),
        amount=amount,
        currency=order.currency,
        order_id=order.id,
        method=checkout.method,
        description=checkout.description,
        email=checkout.email,
        contact=checkout.contact,
        notes=notes,
        created_at=account.clock.seconds(),
    )
    if checkout.method == "card":
        chosen = checkout.card
        card = Card(
            id=new_id("card"),
            name=chosen.name,
            last4=chosen.last4,
            network=chosen.network,
            type=chosen.type,
            issuer=chosen.issuer,
        )
        payment.own.card, payment.card_id = card, card.id
        payment.acquirer_data = {"auth_code": number[-6:], "rrn": number}
    elif checkout.method == "upi":
        payment.vpa = checkout.vpa
        payment.upi = {"payer_account_type": "bank_account", "vpa": checkout.vpa, "flow": "collect"}
        payment.acquirer_data = {"rrn": number, "upi_transaction_id": new_id("upi").upper()}
    elif checkout.method == "netbanking":
        payment.bank = checkout.bank
        payment.acquirer_data = {"bank_transaction_id": number}
    else:
        payment.wallet = checkout.wallet
        payment.acquirer_data = {"transaction_id": number}
    return payments.start(account, payment)


def _end(account: Account, payment: Payment, checkout: Checkout) -> None:
    if checkout.outcome == "failure":
        fail(account, payment, checkout.failure)
    elif checkout.outcome in ("late", "late_after_failure"):
        if checkout.outcome == "late_after_failure":
            fail(account, payment, checkout.failure)
        account.timers.after(checkout.after, AUTHORIZE, payment.id)
    elif checkout.outcome != "pending":
        payments.authorize(account, payment)


def fail(account: Account, payment: Payment, failure: Failure) -> None:
    """The payment fails, for this reason."""
    payments.fail(
        account,
        payment,
        description=failure.description,
        source=failure.source,
        step=failure.step,
        reason=failure.reason,
    )
