"""The routes of disputes."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Role
from modules.payments.disputes.disputes import Disputes
from modules.payments.disputes.messages import DisputeView
from modules.payments.disputes.states import DisputeState

DisputeId = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
ADMIN = roles(Role.ADMIN)


@get("/disputes", policy=ADMIN)
async def list_disputes(
    span: NamedDependency[Span],
    disputes: NamedDependency[Disputes],
    # Litestar keeps the name `state` for itself.
    wanted: Annotated[DisputeState | None, QueryParameter(name="state", description="Only those of this state")] = None,
) -> Page[DisputeView]:
    """All disputes, the newest first."""
    return await disputes.page(span, wanted)


@get("/disputes/{id:str}", policy=ADMIN)
async def read_dispute(id: DisputeId, disputes: NamedDependency[Disputes]) -> Response[DisputeView]:
    """One dispute. It is accepted or contested in Razorpay's dashboard."""
    return tagged(await disputes.read(id))


def router(disputes: Disputes) -> Router:
    return Router("/payments", route_handlers=[list_disputes, read_dispute], dependencies=services(disputes=disputes))
