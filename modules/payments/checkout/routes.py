"""The routes of orders."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.errors import forbidden
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.payments.checkout.messages import Checkout, NewOrder, NewQuote, OrderDetail, OrderView, Quote, Verification
from modules.payments.checkout.orders import Orders
from modules.payments.checkout.quotes import Quotes
from modules.payments.checkout.verification import Verifications
from modules.payments.coupons.coupons import GUESSES

OrderId = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
User = Annotated[str | None, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Another user's, for admins")]
THEIRS: Final = signed_in(owner="they buy it, or the place is theirs")
# Each may be a call of the vendor.
ORDERS: Final = Rate(count=20, seconds=60.0)
VERIFICATIONS: Final = Rate(count=30, seconds=60.0)


@post("/quote", policy=signed_in(), status_code=200, rate=GUESSES, missing=True)
async def quote(
    data: JSONBody[NewQuote], principal: NamedDependency[Principal], quotes: NamedDependency[Quotes]
) -> Quote:
    """What a place in a program would cost you now. It reserves nothing."""
    return await quotes.quote(principal, data)


@post("/orders", policy=signed_in(), idempotent="required", rate=ORDERS, missing=True)
async def create_order(
    data: JSONBody[NewOrder], principal: NamedDependency[Principal], orders: NamedDependency[Orders]
) -> Response[Checkout]:
    """Order a place for yourself. The answer is what Razorpay's checkout page is opened with.

    The same order is answered again while it can be paid. One with other terms takes its place.
    """
    made = await orders.create(principal, data)
    return Response(made, status_code=201, headers={"Location": f"/api/v1/payments/orders/{made.order.id}"})


@get("/orders", policy=signed_in())
async def list_orders(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    orders: NamedDependency[Orders],
    user: User = None,
) -> Page[OrderView]:
    """Your orders, the newest first: those that you pay, and those for your own place."""
    if user is not None and user != principal.id and principal.role is not Role.ADMIN:
        raise forbidden("only admins see the orders of others")
    return await orders.page(user or principal.id, span)


@get("/orders/{id:str}", policy=THEIRS)
async def read_order(
    id: OrderId, principal: NamedDependency[Principal], orders: NamedDependency[Orders]
) -> Response[OrderDetail]:
    """An order with the attempts to pay it and its refunds."""
    return tagged(await orders.read(principal, id))


@post("/orders/{id:str}/cancel", policy=THEIRS, status_code=200, conflict=True)
async def cancel_order(
    id: OrderId, principal: NamedDependency[Principal], orders: NamedDependency[Orders]
) -> Response[OrderView]:
    """Give an order up that is not paid. Money that still comes buys the place, or goes back."""
    return tagged(await orders.cancel(principal, id))


@post("/verify", policy=signed_in(owner="the order is theirs"), status_code=200, rate=VERIFICATIONS)
async def verify(
    data: JSONBody[Verification],
    principal: NamedDependency[Principal],
    verifications: NamedDependency[Verifications],
) -> Response[OrderView]:
    """Hand over what Razorpay's checkout page gave after the payment.

    The answer is the order: `paid`, or `confirming` while the bank or Razorpay cannot say. Then the push
    `payments.order` tells when it is paid.
    """
    return tagged(await verifications.verify(principal, data))


def router(quotes: Quotes, orders: Orders, verifications: Verifications) -> Router:
    return Router(
        "/payments",
        route_handlers=[quote, create_order, list_orders, read_order, cancel_order, verify],
        dependencies=services(quotes=quotes, orders=orders, verifications=verifications),
    )
