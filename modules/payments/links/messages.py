"""What the routes of payment links take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.text import LINE, Texts
from modules.payments.checkout.messages import AT, EXAMPLE, ORDER, NewOrder
from modules.payments.states import OrderState

UserId = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$", description="Who gets the place; empty is you")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^([^@\s\x00]+@[^@\s\x00]+)?$")]
Contact = Annotated[str, Meta(pattern=r"^(\+?[0-9]{8,15})?$")]
Name = Annotated[str, Meta(min_length=1, max_length=100), LINE]


class Payer(Texts, frozen=True):
    """Who is asked to pay: what Razorpay's page fills in. It goes to Razorpay, and is not kept here."""

    name: Name | None = None
    email: Email = ""
    contact: Contact = ""


class NewLink(NewOrder, frozen=True, kw_only=True):
    """A link by which anybody pays for a place. Razorpay sends it to nobody: that is for who made it."""

    user_id: UserId = ""
    payer: Payer | None = None

    @classmethod
    def example(cls) -> NewLink:
        return cls(EXAMPLE, "", "27", "Asha Rao", "12 Lake Road, Pune 411001", payer=Payer("Asha Rao"))


class LinkView(msgspec.Struct, frozen=True):
    """An order that is paid by a link; the states are those of orders.

    `url` is where it is paid. It is empty when it cannot be paid any more, or there is nothing to pay.
    """

    order_id: str
    user_id: str
    program_id: str
    title: str
    state: OrderState
    currency: str
    price: int
    discount: int
    amount: int
    coupon_code: str
    url: str
    expires_at: datetime
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> LinkView:
        url = "https://rzp.io/i/nxrHnLJ"
        return cls(ORDER, "sam", EXAMPLE, "Algebra", OrderState.OPEN, "INR", 100_000, 0, 100_000, "", url, AT, AT, 2)
