"""The route of comparisons, for admins."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Role
from modules.analytics.comparison.messages import ComparisonView
from modules.analytics.comparison.repository import ComparisonRepository

Agrees = Annotated[bool | None, QueryParameter(name="agrees", description="Only what agrees, or what does not")]


@get("/comparisons", policy=roles(Role.ADMIN))
async def list_comparisons(
    span: NamedDependency[Span], comparisons: NamedDependency[ComparisonRepository], agrees: Agrees = None
) -> Page[ComparisonView]:
    """How the facts of each day compare with the rows of their modules, what was compared last first."""
    return await comparisons.page(agrees, span)


def router(comparisons: ComparisonRepository) -> Router:
    return Router("/analytics", route_handlers=[list_comparisons], dependencies=services(comparisons=comparisons))
