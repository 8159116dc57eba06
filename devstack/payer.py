"""`ksmp devcloud pay`, `razorpay` and `webhook`: what a customer and Razorpay itself would do, in the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from devstack import control, razorpay
from devstack.errors import DevStackError
from devstack.state import State

# Of payments: what begins the receipt of an order, and the reference of a link.
RECEIPT: Final = "o-"
REFERENCE: Final = "l-"
SIGNED: Final = ("razorpay_payment_id", "razorpay_order_id", "razorpay_signature")
SIGNED_OF_LINK: Final = (
    "razorpay_payment_id",
    "razorpay_payment_link_id",
    "razorpay_payment_link_reference_id",
    "razorpay_payment_link_status",
    "razorpay_signature",
)


class Order(msgspec.Struct, frozen=True):
    """An order, or a payment link."""

    id: str


class Orders(msgspec.Struct, frozen=True):
    items: list[Order]


class Links(msgspec.Struct, frozen=True):
    payment_links: list[Order]


class Payment(msgspec.Struct, frozen=True):
    """A payment that the customer started."""

    id: str
    status: str


class Paid(msgspec.Struct, frozen=True):
    """What became of it, and what the checkout hands to the merchant's page: signed, or with an error, or nothing."""

    payments: list[Payment]
    razorpay_payment_id: str = ""
    razorpay_order_id: str = ""
    razorpay_payment_link_id: str = ""
    razorpay_payment_link_reference_id: str = ""
    razorpay_payment_link_status: str = ""
    razorpay_signature: str = ""
    error: dict[str, Any] | None = None

    @property
    def handed_over(self) -> dict[str, Any]:
        """As `POST /api/v1/payments/verify` or a link's callback takes it; empty when the page gets nothing."""
        if self.error is not None:
            return {"error": self.error}
        signed = SIGNED_OF_LINK if self.razorpay_payment_link_id else SIGNED
        return {name: getattr(self, name) for name in signed} if self.razorpay_signature else {}


class Clock(msgspec.Struct, frozen=True):
    now: float
    offset: float


class Replayed(msgspec.Struct, frozen=True):
    replayed: int


def pay(
    data: Path,
    order: str,
    *,
    method: str,
    fail: bool = False,
    late: float = 0.0,
    twice: bool = False,
    lost: bool = False,
) -> Paid:
    """Pay an order or its payment link, named by the order's id or by Razorpay's. Raises DevStackError.

    `late` is after how many seconds the bank authorizes it. `twice` is two payments at once, as from two open tabs.
    When `lost` the tab is closed, so that the page gets nothing.
    """
    known = control.running(data)
    outcome = {"outcome": "failure"} if fail else {"outcome": "late", "after": late} if late else {}
    body = {"method": method, "closed": lost, "times": 2 if twice else 1} | _payable(known, order) | outcome
    answer = control.ask(known, "POST", f"{razorpay.CONTROL}pay", body=body, failed="The order is not paid")
    return msgspec.json.decode(answer, type=Paid)


def advance(data: Path, seconds: float) -> Clock:
    """Move the clock of Razorpay forward; what is due on the way happens. Raises DevStackError."""
    known = control.running(data)
    answer = control.ask(
        known, "POST", f"{razorpay.CONTROL}clock/advance", body={"seconds": seconds}, failed="The clock does not move"
    )
    return msgspec.json.decode(answer, type=Clock)


def switch_webhook(data: Path, step: Literal["on", "off"]) -> None:
    """Let the gateways hear of what happens, or not. Raises DevStackError."""
    known = control.running(data)
    body = {"id": razorpay.WEBHOOK_ID, "active": step == "on"}
    control.ask(known, "PATCH", f"{razorpay.CONTROL}webhooks", body=body, failed=f"The webhook is not {step}")


def replay_webhooks(data: Path) -> int:
    """Send again what was given up in the last week; says how many. Raises DevStackError."""
    known = control.running(data)
    answer = control.ask(known, "POST", f"{razorpay.CONTROL}webhooks/replay", failed="Nothing is sent again")
    return msgspec.json.decode(answer, type=Replayed).replayed


def _payable(known: State, order: str) -> dict[str, str]:
    """How the stand-in knows an order: the checkout page's by its receipt, that of a payment link by its reference."""
    if order.startswith("order_"):
        return {"order_id": order}
    if order.startswith("plink_"):
        return {"payment_link_id": order}
    answer = control.ask(
        known, "GET", f"{razorpay.API}/v1/orders", failed="The orders cannot be read", receipt=f"{RECEIPT}{order}"
    )
    for found in msgspec.json.decode(answer, type=Orders).items:
        return {"order_id": found.id}
    answer = control.ask(
        known,
        "GET",
        f"{razorpay.API}/v1/payment_links",
        failed="The links cannot be read",
        reference_id=f"{REFERENCE}{order}",
    )
    for found in msgspec.json.decode(answer, type=Links).payment_links:
        return {"payment_link_id": found.id}
    raise DevStackError(f"There is no order {order} in the stand-in for Razorpay.")
