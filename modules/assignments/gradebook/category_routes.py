"""The routes of categories."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.gradebook.categories import CategoryCatalogue
from modules.assignments.gradebook.category_messages import Categories, CategoryChange, CategoryView, NewCategory

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Program = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Of this program")]
TEACHERS: Final = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS: Final = signed_in(owner="they take part in the program")


@get("/", policy=PARTICIPANTS, missing=True)
async def list_categories(
    program: Program, principal: NamedDependency[Principal], categories: NamedDependency[CategoryCatalogue]
) -> Categories:
    """The categories of a program's grade book, in order."""
    return await categories.listed(principal, program)


@post("/", policy=TEACHERS, idempotent=True, missing=True)
async def create_category(
    data: JSONBody[NewCategory],
    principal: NamedDependency[Principal],
    categories: NamedDependency[CategoryCatalogue],
) -> Response[CategoryView]:
    """Add a category to a grade book."""
    return tagged(await categories.create(principal, data), status=201)


@patch("/{id:str}", policy=TEACHERS)
async def change_category(
    id: Id,
    data: JSONBody[CategoryChange],
    principal: NamedDependency[Principal],
    categories: NamedDependency[CategoryCatalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[CategoryView]:
    """Change a category; totals change with it."""
    return tagged(await categories.change(principal, id, data, if_match))


@delete("/{id:str}", policy=TEACHERS, conflict=True)
async def delete_category(
    id: Id,
    principal: NamedDependency[Principal],
    categories: NamedDependency[CategoryCatalogue],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete a category in which no assignment is."""
    await categories.delete(principal, id, if_match)


def router(categories: CategoryCatalogue) -> Router:
    return Router(
        "/assignments/categories",
        route_handlers=[list_categories, create_category, change_category, delete_category],
        dependencies=services(categories=categories),
    )
