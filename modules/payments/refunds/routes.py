"""The routes of refunds."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.payments.refunds.messages import NewRefund, RefundDetail, RefundRecord
from modules.payments.refunds.refunds import Refunds
from modules.payments.states import RefundOrigin, RefundState

OrderId = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
ADMIN = roles(Role.ADMIN)


@post("/orders/{id:str}/refunds", policy=ADMIN, idempotent="required")
async def request_refund(
    id: OrderId,
    data: JSONBody[NewRefund],
    principal: NamedDependency[Principal],
    refunds: NamedDependency[Refunds],
) -> Response[RefundRecord]:
    """Give the money of an order back, or a part of it. It is sent to Razorpay a moment later."""
    return _made(await refunds.request(principal, id, data))


@get("/orders/{id:str}/refunds", policy=signed_in(owner="the order is for them, or they paid it, or they are an admin"))
async def refunds_of_order(
    id: OrderId,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    refunds: NamedDependency[Refunds],
) -> Page[RefundDetail]:
    """The refunds of an order, the newest first."""
    return await refunds.page_of_order(principal, id, span)


@get("/refunds", policy=ADMIN)
async def list_refunds(
    span: NamedDependency[Span],
    refunds: NamedDependency[Refunds],
    # Litestar keeps the name `state` for itself.
    wanted: Annotated[RefundState | None, QueryParameter(name="state", description="Only those of this state")] = None,
    origin: Annotated[RefundOrigin | None, QueryParameter(description="Only those of this origin")] = None,
) -> Page[RefundRecord]:
    """All refunds, the newest first, also those that Razorpay or its dashboard made."""
    return await refunds.page(span, wanted, origin)


@get("/refunds/{id:uuid}", policy=ADMIN)
async def read_refund(id: FromPath[UUID], refunds: NamedDependency[Refunds]) -> Response[RefundRecord]:
    """One refund."""
    return tagged(await refunds.read(id))


@post("/refunds/{id:uuid}/retry", policy=ADMIN, idempotent="required")
async def retry_refund(
    id: FromPath[UUID], principal: NamedDependency[Principal], refunds: NamedDependency[Refunds]
) -> Response[RefundRecord]:
    """Try a failed refund again. The answer is another refund, with an id of its own."""
    return _made(await refunds.retry(principal, id))


def _made(refund: RefundRecord) -> Response[RefundRecord]:
    return tagged(refund, status=201, headers={"Location": f"/api/v1/payments/refunds/{refund.id}"})


def router(refunds: Refunds) -> Router:
    return Router(
        "/payments",
        route_handlers=[request_refund, refunds_of_order, list_refunds, read_refund, retry_refund],
        dependencies=services(refunds=refunds),
    )
