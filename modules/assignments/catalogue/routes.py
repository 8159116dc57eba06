"""The routes of assignments."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.catalogue.assignments import Assignments
from modules.assignments.catalogue.messages import ListedAssignment, NewAssignment, WholeAssignment

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Program = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Those of this program")]
Lesson = Annotated[str | None, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Only those of this lesson")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS = signed_in(owner="they take part in the program")


@post("/", policy=TEACHERS, idempotent=True)
async def create_assignment(
    data: JSONBody[NewAssignment], principal: NamedDependency[Principal], assignments: NamedDependency[Assignments]
) -> Response[WholeAssignment]:
    """Write a draft."""
    assignment = await assignments.create(principal, data)
    return tagged(assignment, status=201, headers={"Location": f"/api/v1/assignments/{assignment.id}"})


@get("/", policy=PARTICIPANTS)
async def list_assignments(
    program: Program,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    lesson: Lesson = None,
) -> Page[ListedAssignment]:
    """Assignments of a program, newest first; students see what is published, with what holds for them."""
    return await assignments.listed(principal, program, lesson, span)


# A student's part of the answer changes without the revision.
@get("/{id:str}", policy=PARTICIPANTS, conditional=False)
async def read_assignment(
    id: Id, principal: NamedDependency[Principal], assignments: NamedDependency[Assignments]
) -> Response[WholeAssignment]:
    """A whole assignment; students read its instructions once it is open."""
    return tagged(await assignments.read(principal, id))


@post("/{id:str}/publish", policy=TEACHERS, status_code=200)
async def publish_assignment(
    id: Id,
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    if_match: NamedDependency[IfMatch],
) -> Response[WholeAssignment]:
    """Let the students of the program see an assignment."""
    return tagged(await assignments.publish(principal, id, if_match))


def router(assignments: Assignments) -> Router:
    return Router(
        "/assignments",
        route_handlers=[create_assignment, list_assignments, read_assignment, publish_assignment],
        dependencies=services(assignments=assignments),
    )
