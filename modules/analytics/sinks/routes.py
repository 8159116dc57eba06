"""The routes of sinks, for admins."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Role
from modules.analytics.sinks.messages import RefusedView, SinkList
from modules.analytics.sinks.repository import SinkRepository

ADMIN = roles(Role.ADMIN)
SinkName = Annotated[str, PathParameter(pattern="^[a-z][a-z0-9_]{0,31}$", description="`mixpanel`")]


@get("/sinks", policy=ADMIN, conditional=False)
async def list_sinks(sinks: NamedDependency[SinkRepository]) -> SinkList:
    """Where events go that leave the platform, and how far each sink has come."""
    return SinkList(list(await sinks.list()))


@get("/sinks/{name:str}/refused", policy=ADMIN)
async def list_refused_events(
    name: SinkName, span: NamedDependency[Span], sinks: NamedDependency[SinkRepository]
) -> Page[RefusedView]:
    """Events that a sink refused for good, the newest first."""
    return await sinks.refused(name, span)


def router(sinks: SinkRepository) -> Router:
    return Router("/analytics", route_handlers=[list_sinks, list_refused_events], dependencies=services(sinks=sinks))
