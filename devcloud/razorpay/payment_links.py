"""Payment links: an order with an address of its own, where a customer pays it.

created ──► partially_paid ──► paid
   ├──► cancelled
   └──► expired      (from partially_paid, too)
"""

from __future__ import annotations

from collections.abc import Iterable

from devcloud.document import Document
from devcloud.razorpay import fields, orders
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import LinkOwn, LinkPayment, Order, OrderOwn, Payment, PaymentLink, new_id
from devcloud.razorpay.errors import RazorpayError, unknown_id
from devcloud.razorpay.operations import Call, listed, operations
from devcloud.razorpay.settings import DAY

EXPIRE = "expire_link"
PAGE = "/razorpay/l/"

LONGEST_REFERENCE = 40
LONGEST_DESCRIPTION = 2_048
SOONEST_SECONDS = 15 * 60
LONGEST_SECONDS = 183 * DAY

FIELDS = {
    "amount",
    "currency",
    "accept_partial",
    "first_min_partial_amount",
    "upi_link",
    "description",
    "reference_id",
    "customer",
    "expire_by",
    "notify",
    "notes",
    "callback_url",
    "callback_method",
    "reminder_enable",
    "options",
}


def get(account: Account, link_id: str) -> PaymentLink:
    """Raises RazorpayError."""
    link = account.store.state.payment_links.get(link_id)
    if link is None:
        raise unknown_id()
    return link


def payable(link: PaymentLink) -> None:
    """That a customer can start to pay. Raises RazorpayError."""
    if link.status not in ("created", "partially_paid"):
        raise RazorpayError(f"This payment link is {link.status}.")


def paid(account: Account, order: Order, payment: Payment) -> None:
    """A payment of a link was captured."""
    link = account.store.state.payment_links[order.own.payment_link]
    now = account.clock.seconds()
    entry = LinkPayment(
        amount=payment.amount,
        created_at=payment.created_at,
        method=payment.method,
        payment_id=payment.id,
        plink_id=link.id,
        updated_at=now,
    )
    link.payments = [*(link.payments or []), entry]
    link.amount_paid, link.updated_at = order.amount_paid, now
    link.status = "paid" if order.amount_due == 0 else "partially_paid"
    account.webhooks.emit(
        f"payment_link.{link.status}",
        order.id,
        payment_link=shown(link),
        order=order.shown(),
        payment=payment.with_card(),
    )


def expired(account: Account, link_id: str) -> None:
    """The time of a link is over."""
    link = account.store.state.payment_links.get(link_id)
    if link is None or link.status not in ("created", "partially_paid"):
        return
    if account.clock.now() < _end(link):
        # It was given more time.
        account.timers.at(_end(link), EXPIRE, link.id)
        return
    link.status, link.expired_at = "expired", account.clock.seconds()
    link.updated_at = link.expired_at
    account.webhooks.emit("payment_link.expired", link.own.order_id, payment_link=shown(link))


def shown(link: PaymentLink) -> Document:
    """As webhooks show it, with its order."""
    return link.shown() | {"order_id": link.own.order_id}


def _end(link: PaymentLink) -> float:
    return link.expire_by or link.created_at + LONGEST_SECONDS


@operations("CreatePaymentLink", "POST", "payment_links")
def create(account: Account, call: Call) -> Document:
    """Create a link, and the order behind it."""
    body = call.body
    fields.known(body, FIELDS)
    currency = fields.currency(body) if "currency" in body else "INR"
    amount = fields.amount(body, currency)
    link_id, now = new_id("plink"), account.clock.seconds()
    partial = fields.flag(body, "accept_partial")
    first = fields.amount(body, currency, "first_min_partial_amount") if partial and _gives_first(body) else 0
    settings = account.settings
    link = PaymentLink(
        id=link_id,
        accept_partial=partial,
        amount=amount,
        callback_url=fields.text(body, "callback_url", LONGEST_DESCRIPTION) or "",
        callback_method=fields.text(body, "callback_method", 10) or "",
        created_at=now,
        currency=currency,
        customer=_texts(body, "customer", ("name", "email", "contact")),
        description=fields.text(body, "description", LONGEST_DESCRIPTION) or "",
        expire_by=_expire_by(account, body),
        first_min_partial_amount=first,
        notes=_notes(body),
        notify=_flags(body, "notify", ("sms", "email")),
        reference_id=_reference(account, body),
        reminder_enable=fields.flag(body, "reminder_enable"),
        short_url=f"{account.url}{PAGE}{link_id}",
        updated_at=now,
        upi_link=fields.flag(body, "upi_link"),
        own=LinkOwn(order_id=""),
    )
    if link.callback_url and link.callback_method != "get":
        raise RazorpayError("callback_method: must be get when callback_url is passed.", field="callback_method")
    if link.upi_link and partial:
        raise RazorpayError("partial payment not supported in upi link", field="accept_partial")
    own = OrderOwn(
        capture=settings.capture,
        automatic_seconds=settings.capture_seconds,
        manual_seconds=settings.capture_seconds,
        partial=partial,
        first_minimum=first,
        payment_link=link_id,
    )
    order = orders.new(account, amount, currency, own)
    order.notes = link.notes or []
    link.own.order_id = order.id
    account.store.add_link(link)
    account.timers.at(_end(link), EXPIRE, link.id)
    return link.shown()


def _gives_first(body: Document) -> bool:
    return body.get("first_min_partial_amount") not in (None, 0)


def _notes(body: Document) -> dict[str, str] | None:
    notes = fields.notes(body)
    return notes if isinstance(notes, dict) else None


def _texts(body: Document, name: str, names: tuple[str, ...]) -> dict[str, str]:
    given = body.get(name) or {}
    if not isinstance(given, dict):
        raise RazorpayError(f"The {name} must be an object.", field=name)
    return {key: fields.text(given, key, 255) or "" for key in names if key in given}


def _flags(body: Document, name: str, names: tuple[str, ...]) -> dict[str, bool]:
    given = body.get(name) or {}
    if not isinstance(given, dict):
        raise RazorpayError(f"The {name} must be an object.", field=name)
    return {key: fields.flag(given, key) for key in names}


def _reference(account: Account, body: Document) -> str:
    reference = fields.text(body, "reference_id", LONGEST_REFERENCE) or ""
    if reference and reference in account.store.by_reference:
        raise RazorpayError("payment link creation with reference ID already attempted", field="reference_id")
    return reference


def _expire_by(account: Account, body: Document) -> int:
    if body.get("expire_by") in (None, 0):
        return 0
    moment, now = fields.integer(body["expire_by"], "expire_by"), account.clock.now()
    if moment < now + SOONEST_SECONDS:
        raise RazorpayError("timestamp must be atleast 15 minutes in future", field="expire_by")
    if moment > now + LONGEST_SECONDS:
        raise RazorpayError("expire_by cannot be more than six months from now", field="expire_by")
    return moment


@operations("FetchPaymentLink", "GET", "payment_links/{}")
def fetch(account: Account, call: Call) -> Document:
    """One link."""
    return get(account, call.ids[0]).shown()


@operations("ListPaymentLinks", "GET", "payment_links")
def list_links(account: Account, call: Call) -> Document:
    """Links, newest first; of one reference or one payment when the query names it."""
    state, reference, payment = account.store.state, call.parameter("reference_id"), call.parameter("payment_id")
    found: Iterable[PaymentLink] = reversed(state.payment_links.values())
    if reference:
        link_id = account.store.by_reference.get(reference)
        found = [state.payment_links[link_id]] if link_id is not None else []
    if payment:
        found = [link for link in found if any(entry.payment_id == payment for entry in link.payments or [])]
    return {"payment_links": [link.shown() for link in listed(call, found)]}


@operations("CancelPaymentLink", "POST", "payment_links/{}/cancel")
def cancel(account: Account, call: Call) -> Document:
    """Nobody can pay it any more."""
    link = get(account, call.ids[0])
    if link.status in ("paid", "partially_paid"):
        raise RazorpayError("cannot cancel or expire an already paid/partially paid link")
    if link.status != "created":
        raise RazorpayError("cannot cancel or expire an expired link")
    link.status, link.cancelled_at = "cancelled", account.clock.seconds()
    link.updated_at = link.cancelled_at
    account.webhooks.emit("payment_link.cancelled", link.own.order_id, payment_link=shown(link))
    return link.shown()


@operations("UpdatePaymentLink", "PATCH", "payment_links/{}")
def update(account: Account, call: Call) -> Document:
    """Change what may be changed after the creation."""
    link = get(account, call.ids[0])
    body = call.body
    fields.known(body, ("reference_id", "expire_by", "notes", "reminder_enable", "accept_partial"))
    payable(link)
    if body.get("reference_id") not in (None, link.reference_id):
        fresh = _reference(account, body)
        account.store.by_reference.pop(link.reference_id, None)
        link.reference_id = fresh
    if "expire_by" in body:
        link.expire_by = _expire_by(account, body)
        account.timers.at(_end(link), EXPIRE, link.id)
    link.notes = _notes(body) if "notes" in body else link.notes
    link.reminder_enable = fields.flag(body, "reminder_enable", link.reminder_enable)
    link.accept_partial = fields.flag(body, "accept_partial", link.accept_partial)
    orders.get(account, link.own.order_id).own.partial = link.accept_partial
    link.updated_at = account.clock.seconds()
    account.store.add_link(link)
    return link.shown()


@operations("NotifyPaymentLink", "POST", "payment_links/{}/notify_by/{}")
def notify(account: Account, call: Call) -> Document:
    """Nobody is notified: there is no mail and no SMS."""
    payable(get(account, call.ids[0]))
    if call.ids[1] not in ("sms", "email"):
        raise RazorpayError("not a valid notification medium")
    return {"success": True}
