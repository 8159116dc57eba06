"""The routes of coupons."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.payments.coupons.catalogue import CouponCatalogue
from modules.payments.coupons.messages import CouponChange, CouponView, NewCoupon

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Program = Annotated[
    str | None, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Only those of this program")
]
EDITORS = roles(Role.MENTOR, Role.ADMIN, owner="it is of a program they teach, or they are an admin")


@post("/", policy=EDITORS, idempotent=True)
async def create_coupon(
    data: JSONBody[NewCoupon], principal: NamedDependency[Principal], catalogue: NamedDependency[CouponCatalogue]
) -> Response[CouponView]:
    """Make a coupon, for a program you teach; an admin's may be for every program."""
    coupon = await catalogue.create(principal, data)
    return tagged(coupon, status=201, headers={"Location": f"/api/v1/payments/coupons/{coupon.id}"})


@get("/", policy=roles(Role.MENTOR, Role.ADMIN))
async def list_coupons(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[CouponCatalogue],
    program: Program = None,
) -> Page[CouponView]:
    """Coupons of the programs you teach, newest first; all there are for an admin."""
    return await catalogue.listed(principal, program, span)


@get("/{id:str}", policy=EDITORS, conditional=False)
async def read_coupon(
    id: Id, principal: NamedDependency[Principal], catalogue: NamedDependency[CouponCatalogue]
) -> Response[CouponView]:
    """One coupon, with how often it is used now."""
    return tagged(await catalogue.read(principal, id))


@patch("/{id:str}", policy=EDITORS)
async def change_coupon(
    id: Id,
    data: JSONBody[CouponChange],
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[CouponCatalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[CouponView]:
    """Change a coupon that nobody has edited since; orders that hold it keep their discount."""
    return tagged(await catalogue.change(principal, id, data, if_match))


@post("/{id:str}/deactivate", policy=EDITORS, status_code=200)
async def deactivate_coupon(
    id: Id,
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[CouponCatalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[CouponView]:
    """Let nobody else use a coupon."""
    return tagged(await catalogue.deactivate(principal, id, if_match))


def router(catalogue: CouponCatalogue) -> Router:
    return Router(
        "/payments/coupons",
        route_handlers=[create_coupon, list_coupons, read_coupon, change_coupon, deactivate_coupon],
        dependencies=services(catalogue=catalogue),
    )
