"""The routes of the grade book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from gateway.auth.policy import roles, signed_in
from gateway.contract import Rate
from gateway.http.listing import Span
from gateway.http.services import services
from gateway.http.sheet_file import SheetOperation
from gateway.principal import Principal, Role
from modules.assignments.gradebook.gradebook import GradeBooks
from modules.assignments.gradebook.messages import GradeBook, OwnGrades, Statistics

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Program = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Of this program")]
Released = Annotated[
    bool, QueryParameter(description="`true`: as students see it. `false`: with what is not released yet")
]
Format = Annotated[Literal["json", "csv", "xlsx"], QueryParameter(description="What it is written as")]
TEACHERS: Final = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS: Final = signed_in(owner="they take part in the program")
# Each reads all grades of a program.
OFTEN: Final = Rate(count=60, seconds=60.0)


@dataclass
class GradeBookOperation(SheetOperation):
    sample = "user_id,name,Quadratic equations (100.00),Essays (%),total (%)"


@get("/gradebook", policy=TEACHERS, rate=OFTEN, missing=True, operation_class=GradeBookOperation)
async def gradebook(
    program: Program,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    books: NamedDependency[GradeBooks],
    released: Released = False,
    format: Format = "json",
) -> Response[GradeBook] | Stream:
    """Everybody's grades and totals, by user id. A file has all of them, and the numbers of the pages."""
    if format == "json":
        return Response(await books.page(principal, program, released, span))
    return await books.file(principal, program, released, format)


@get("/grades", policy=PARTICIPANTS, rate=OFTEN, missing=True)
async def own_grades(
    program: Program, principal: NamedDependency[Principal], books: NamedDependency[GradeBooks]
) -> OwnGrades:
    """Your own grades that are released, and what they add up to."""
    return await books.own(principal, program)


@get("/{id:str}/statistics", policy=PARTICIPANTS, rate=OFTEN)
async def assignment_statistics(
    id: Id, principal: NamedDependency[Principal], books: NamedDependency[GradeBooks], released: Released = False
) -> Statistics:
    """How the grades of an assignment are spread. Students see what is released, and nothing of a few grades."""
    return await books.statistics(principal, id, released)


def router(books: GradeBooks) -> Router:
    return Router(
        "/assignments",
        route_handlers=[gradebook, own_grades, assignment_statistics],
        dependencies=services(books=books),
    )
