"""The routes of deletions, for admins."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.analytics.deletions.deletions import Deletions
from modules.analytics.deletions.messages import DeletionView
from modules.analytics.deletions.states import DeletionState

ADMIN = roles(Role.ADMIN)
State = Annotated[DeletionState | None, QueryParameter(name="state", description="Only those of this state")]
Place = Annotated[
    str | None, QueryParameter(pattern="^[a-z][a-z0-9_]{0,31}$", description="`events`, or the name of a sink")
]


@get("/deletions", policy=ADMIN)
async def list_deletions(
    span: NamedDependency[Span],
    deletions: NamedDependency[Deletions],
    # Litestar keeps the name `state` for itself.
    wanted: State = None,
    place: Place = None,
) -> Page[DeletionView]:
    """What is deleted of users who withdrew their consent or were deleted, the newest first."""
    return await deletions.page(wanted, place, span)


@post("/deletions/{id:uuid}/retry", policy=ADMIN, status_code=200)
async def retry_deletion(
    id: FromPath[UUID], principal: NamedDependency[Principal], deletions: NamedDependency[Deletions]
) -> DeletionView:
    """Try a deletion again that has failed; any other is left as it is."""
    return await deletions.retry(principal, id)


def router(deletions: Deletions) -> Router:
    return Router(
        "/analytics", route_handlers=[list_deletions, retry_deletion], dependencies=services(deletions=deletions)
    )
