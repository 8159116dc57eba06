"""The routes of programs and of places in them."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.principal import Principal, Role
from modules.programs.catalogue import Catalogue
from modules.programs.enrolments import Enrolments
from modules.programs.messages import EnrolmentView, NewProgram, ProgramChange, ProgramView
from modules.programs.states import Step

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
EDITORS = roles(Role.MENTOR, Role.ADMIN, owner="it is their program, or they are an admin")


@get("/", policy=signed_in())
async def published(
    span: NamedDependency[Span],
    catalogue: NamedDependency[Catalogue],
    q: Annotated[str | None, QueryParameter(max_length=200, description="Words of title and summary")] = None,
    free: Annotated[bool | None, QueryParameter(description="Only those without a price, or with one")] = None,
    mentor: Annotated[str | None, QueryParameter(max_length=64, description="Only this mentor's")] = None,
) -> Page[ProgramView]:
    """The catalogue: published programs, newest first."""
    return await catalogue.published(span, q, free, mentor)


@get("/own", policy=roles(Role.MENTOR, Role.ADMIN))
async def own(
    span: NamedDependency[Span], principal: NamedDependency[Principal], catalogue: NamedDependency[Catalogue]
) -> Page[ProgramView]:
    """Programs you teach, in every state; all of them for an admin."""
    return await catalogue.own(principal, span)


@post("/", policy=roles(Role.MENTOR, Role.ADMIN), idempotent=True)
async def create(
    data: JSONBody[NewProgram], principal: NamedDependency[Principal], catalogue: NamedDependency[Catalogue]
) -> Response[ProgramView]:
    """Write a draft."""
    program = await catalogue.create(principal, data)
    return tagged(program, status=201, headers={"Location": f"/api/v1/programs/{program.id}"})


@get("/{id:str}", policy=signed_in())
async def read(
    id: Id, principal: NamedDependency[Principal], catalogue: NamedDependency[Catalogue]
) -> Response[ProgramView]:
    """A published program, or one of yours."""
    return tagged(await catalogue.read(principal, id))


@patch("/{id:str}", policy=EDITORS)
async def change(
    id: Id,
    data: JSONBody[ProgramChange],
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[Catalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[ProgramView]:
    """Change a program that nobody has changed since."""
    return tagged(await catalogue.change(principal, id, data, if_match))


@post("/{id:str}/publish", policy=EDITORS, status_code=200)
async def publish(
    id: Id,
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[Catalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[ProgramView]:
    """Put a program into the catalogue."""
    return tagged(await catalogue.step(principal, id, Step.PUBLISH, if_match))


@post("/{id:str}/archive", policy=EDITORS, status_code=200)
async def archive(
    id: Id,
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[Catalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[ProgramView]:
    """Take a program out of the catalogue."""
    return tagged(await catalogue.step(principal, id, Step.ARCHIVE, if_match))


@post("/{id:str}/enrolment", policy=signed_in(), status_code=200, idempotent=True)
async def enrol(
    id: Id, principal: NamedDependency[Principal], enrolments: NamedDependency[Enrolments]
) -> EnrolmentView:
    """Take a place in a free program, or one on its waiting list."""
    return await enrolments.enrol(principal.id, id)


@get("/{id:str}/enrolment", policy=signed_in())
async def enrolment(
    id: Id, principal: NamedDependency[Principal], enrolments: NamedDependency[Enrolments]
) -> EnrolmentView:
    """Your place in a program."""
    return await enrolments.read(principal.id, id)


@delete("/{id:str}/enrolment", policy=signed_in())
async def cancel(id: Id, principal: NamedDependency[Principal], enrolments: NamedDependency[Enrolments]) -> None:
    """Give your place back."""
    await enrolments.cancel(principal.id, id)
