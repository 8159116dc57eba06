"""The routes of differences between our rows and Razorpay."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.payments.reconciliation.messages import DifferenceView, Resolution
from modules.payments.reconciliation.resolutions import Resolutions

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Open = Annotated[bool | None, QueryParameter(name="open", description="Only those that wait for somebody, or are done")]
Kind = Annotated[str | None, QueryParameter(pattern="^[a-z_]{1,40}$", description="Only of this kind")]


@get("/differences", policy=roles(Role.ADMIN))
async def differences(
    span: NamedDependency[Span],
    resolutions: NamedDependency[Resolutions],
    is_open: Open = None,
    kind: Kind = None,
) -> Page[DifferenceView]:
    """What our rows and Razorpay do not agree on, the newest first."""
    return await resolutions.listed(span, is_open=is_open, kind=kind)


@post("/differences/{id:str}/resolve", policy=roles(Role.ADMIN), status_code=200, conflict=True)
async def resolve(
    id: Id,
    data: JSONBody[Resolution],
    principal: NamedDependency[Principal],
    resolutions: NamedDependency[Resolutions],
) -> Response[DifferenceView]:
    """Say what a difference was, and close it."""
    return tagged(await resolutions.resolve(principal, id, data.note))


def router(resolutions: Resolutions) -> Router:
    return Router("/payments", route_handlers=[differences, resolve], dependencies=services(resolutions=resolutions))
