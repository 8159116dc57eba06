"""Orders: create, fetch, list, and their way from `created` over `attempted` to `paid`.

The first payment that starts moves an order to `attempted`. Captured payments add to `amount_paid`; with nothing left
to pay the order is `paid`, and stays so when the money is refunded.
"""

from __future__ import annotations

from collections.abc import Iterable

from devcloud.document import Document
from devcloud.razorpay import fields
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Order, OrderOwn, new_id
from devcloud.razorpay.errors import RazorpayError, unknown_id
from devcloud.razorpay.operations import Call, collection, listed, operations
from devcloud.razorpay.settings import Settings

LONGEST_RECEIPT = 40
# Minutes: of the time in which a payment may be captured.
LEAST_MINUTES = 12
MOST_MINUTES = 7_200

FIELDS = {
    "amount",
    "currency",
    "receipt",
    "unique_receipt",
    "notes",
    "partial_payment",
    "first_payment_min_amount",
    "payment_capture",
    "payment",
}


def get(account: Account, order_id: str) -> Order:
    """Raises RazorpayError."""
    order = account.store.state.orders.get(order_id)
    if order is None:
        raise unknown_id()
    return order


def new(account: Account, amount: int, currency: str, own: OrderOwn) -> Order:
    """An order that is kept, without a receipt."""
    order = Order(
        id=new_id("order"),
        amount=amount,
        amount_due=amount,
        currency=currency,
        created_at=account.clock.seconds(),
        own=own,
    )
    account.store.add_order(order)
    return order


def capture_of(settings: Settings, body: Document) -> OrderOwn:
    """How its payments are captured: by `payment`, by the older `payment_capture`, or as the account has it."""
    own = OrderOwn(
        capture=settings.capture,
        automatic_seconds=settings.capture_seconds,
        manual_seconds=settings.capture_seconds,
    )
    if body.get("payment_capture") is not None:
        own.capture = "automatic" if fields.flag(body, "payment_capture") else "manual"
    payment = body.get("payment")
    if payment is None:
        return own
    if not isinstance(payment, dict):
        raise RazorpayError("The payment must be an array.", field="payment")
    fields.known(payment, ("capture", "capture_options"))
    automatic = fields.choice(payment, "capture", ("automatic", "manual"), "") == "automatic"
    own.capture = "automatic" if automatic else "manual"
    options = payment.get("capture_options") or {}
    fields.known(options, ("automatic_expiry_period", "manual_expiry_period", "refund_speed"))
    fields.choice(options, "refund_speed", ("normal", "optimum"), "normal")
    if automatic:
        own.automatic_seconds = _minutes(options, "automatic_expiry_period", LEAST_MINUTES)
        own.manual_seconds = max(own.automatic_seconds, own.manual_seconds)
    if options.get("manual_expiry_period") is not None:
        least = int(own.automatic_seconds // 60) if automatic else LEAST_MINUTES
        own.manual_seconds = _minutes(options, "manual_expiry_period", least)
    return own


def _minutes(options: Document, name: str, least: int) -> float:
    minutes = fields.integer(fields.required(options, name), name)
    if not least <= minutes <= MOST_MINUTES:
        raise RazorpayError(f"The {name} must be between {least} and {MOST_MINUTES}.", field=name)
    return minutes * 60.0


@operations("CreateOrder", "POST", "orders")
def create(account: Account, call: Call) -> Document:
    """Create an order."""
    body = call.body
    fields.known(body, FIELDS)
    currency = fields.currency(body)
    amount = fields.integer(fields.required(body, "amount"), "amount")
    if amount < fields.SMALLEST:
        said = "Order amount less than minimum amount allowed"
        raise RazorpayError(said, step="order_creation", reason="amount_less_than_minimum_amount", field="amount")
    receipt = fields.text(body, "receipt", LONGEST_RECEIPT)
    notes = fields.notes(body)
    own = capture_of(account.settings, body)
    own.partial = fields.flag(body, "partial_payment")
    if body.get("first_payment_min_amount") is not None:
        own.first_minimum = fields.integer(body["first_payment_min_amount"], "first_payment_min_amount")
    own.unique_receipt = fields.flag(body, "unique_receipt")
    if own.unique_receipt:
        fields.required(body, "receipt")
        existing = account.store.by_receipt.get(receipt or "")
        if existing and account.settings.receipt_repeated == "same_order":
            return get(account, existing[0]).shown()
        if existing:
            raise RazorpayError("Order receipt should be unique.", field="receipt")
    order = Order(
        id=new_id("order"),
        amount=amount,
        amount_due=amount,
        currency=currency,
        receipt=receipt,
        notes=notes,
        created_at=account.clock.seconds(),
        own=own,
    )
    account.store.add_order(order)
    return order.shown()


@operations("FetchOrder", "GET", "orders/{}")
def fetch(account: Account, call: Call) -> Document:
    """One order."""
    return _expanded(account, get(account, call.ids[0]), call)


@operations("ListOrders", "GET", "orders")
def list_orders(account: Account, call: Call) -> Document:
    """Orders, newest first, which may be of one receipt."""
    receipt = call.parameter("receipt")
    every = account.store.state.orders
    ids = account.store.by_receipt.get(receipt, []) if receipt else every
    newest: Iterable[Order] = (every[order_id] for order_id in reversed(ids))
    wanted = call.parameter("authorized")
    if wanted:
        newest = (order for order in newest if _authorized(account, order) is (wanted == "1"))
    return collection([_expanded(account, order, call) for order in listed(call, newest)])


@operations("ListPaymentsOfOrder", "GET", "orders/{}/payments")
def list_payments(account: Account, call: Call) -> Document:
    """Every payment of an order, newest first."""
    return _payments(account, get(account, call.ids[0]))


@operations("UpdateOrder", "PATCH", "orders/{}")
def update(account: Account, call: Call) -> Document:
    """Replace the notes."""
    order = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("notes",))
    fields.required(body, "notes")
    order.notes = fields.notes(body)
    return order.shown()


def _authorized(account: Account, order: Order) -> bool:
    payments = account.store.state.payments
    return any(payments[payment_id].own.authorized_at is not None for payment_id in order.own.payments)


def _payments(account: Account, order: Order) -> Document:
    payments = account.store.state.payments
    return collection([payments[payment_id].with_card() for payment_id in reversed(order.own.payments)])


def _expanded(account: Account, order: Order, call: Call) -> Document:
    document = order.shown()
    if call.expands("payments") or call.expands("payments.card"):
        document["payments"] = _payments(account, order)
    return document
