"""The routes of grades, markers, releases and regrades. Students read their grades with their submission."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.grading.grades import Grades
from modules.assignments.grading.markers import Markers
from modules.assignments.grading.messages import (
    GradeVersions,
    GradeView,
    MarkerChanges,
    Markings,
    NewGrade,
    NewRelease,
    NewSplit,
    NextUngraded,
    Released,
)
from modules.assignments.grading.regrade_messages import NewRegrade, Regrade, RegradeAnswer, Regrades
from modules.assignments.grading.regrades import RegradeRequests
from modules.assignments.grading.releases import Releases
from modules.assignments.grading.rubric import ID

Id = Annotated[str, PathParameter(pattern=ID)]
Mine = Annotated[bool, QueryParameter(description="Only what the caller is to mark")]
Skip = Annotated[str | None, QueryParameter(pattern=ID, description="A submission that the caller leaves for later")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS = signed_in(owner="they take part in the program")


# What dates and the clock show in the answer changes without the revision.
@get("/{id:str}/submissions/{submission:str}/grade", policy=TEACHERS, conditional=False)
async def read_grade(
    id: Id, submission: Id, principal: NamedDependency[Principal], grades: NamedDependency[Grades]
) -> Response[GradeView]:
    """The grade of a submission as it was saved last; of revision 0 while there is none."""
    return tagged(await grades.read(principal, id, submission))


@put("/{id:str}/submissions/{submission:str}/grade", policy=TEACHERS)
async def save_grade(
    id: Id,
    submission: Id,
    data: JSONBody[NewGrade],
    principal: NamedDependency[Principal],
    grades: NamedDependency[Grades],
    if_match: NamedDependency[IfMatch],
) -> Response[GradeView]:
    """Save a version of a grade, a draft or a final one. When another marker was first, 412 answers their version."""
    return tagged(await grades.save(principal, id, submission, data, if_match))


@get("/{id:str}/submissions/{submission:str}/grade/versions", policy=TEACHERS)
async def list_grade_versions(
    id: Id, submission: Id, principal: NamedDependency[Principal], grades: NamedDependency[Grades]
) -> GradeVersions:
    """All versions of a grade, the newest first."""
    return await grades.versions(principal, id, submission)


@get("/{id:str}/markings", policy=TEACHERS)
async def list_markings(
    id: Id, principal: NamedDependency[Principal], markers: NamedDependency[Markers], mine: Mine = False
) -> Markings:
    """What was turned in, with who is to mark it and how far they are."""
    return await markers.listed(principal, id, mine=mine)


@post("/{id:str}/next-ungraded", policy=TEACHERS, status_code=200)
async def next_ungraded(
    id: Id, principal: NamedDependency[Principal], markers: NamedDependency[Markers], skip: Skip = None
) -> NextUngraded:
    """Take the next submission to mark: first one's own. Others are given another one for a while."""
    return await markers.next(principal, id, [] if skip is None else [skip])


@put("/{id:str}/markers", policy=TEACHERS)
async def assign_markers(
    id: Id, data: JSONBody[MarkerChanges], principal: NamedDependency[Principal], markers: NamedDependency[Markers]
) -> Markings:
    """Say who is to mark some submissions."""
    return await markers.assign(principal, id, data)


@post("/{id:str}/markers/split", policy=TEACHERS, status_code=200)
async def split_markers(
    id: Id, data: JSONBody[NewSplit], principal: NamedDependency[Principal], markers: NamedDependency[Markers]
) -> Markings:
    """Divide what nobody is to mark yet evenly."""
    return await markers.split(principal, id, data)


@post("/{id:str}/release", policy=TEACHERS, status_code=200)
async def release_grades(
    id: Id, data: JSONBody[NewRelease], principal: NamedDependency[Principal], releases: NamedDependency[Releases]
) -> Released:
    """Show final grades to their students now, and return their submissions."""
    return await releases.release(principal, id, data)


@post("/{id:str}/regrades", policy=PARTICIPANTS, idempotent=True)
async def ask_regrade(
    id: Id,
    data: JSONBody[NewRegrade],
    principal: NamedDependency[Principal],
    regrades: NamedDependency[RegradeRequests],
) -> Response[Regrade]:
    """Ask that one's released grade be looked at again."""
    return tagged(await regrades.ask(principal, id, data), status=201)


@get("/{id:str}/regrades", policy=PARTICIPANTS)
async def list_regrades(
    id: Id, principal: NamedDependency[Principal], regrades: NamedDependency[RegradeRequests]
) -> Regrades:
    """What was asked, the newest first; students see what is of their own work."""
    return await regrades.listed(principal, id)


@post("/{id:str}/regrades/{regrade:str}/answer", policy=TEACHERS, status_code=200)
async def answer_regrade(
    id: Id,
    regrade: Id,
    data: JSONBody[RegradeAnswer],
    principal: NamedDependency[Principal],
    regrades: NamedDependency[RegradeRequests],
    if_match: NamedDependency[IfMatch],
) -> Response[Regrade]:
    """Decline it, or accept: the grade is a draft again, and the student sees the new version once it is released."""
    return tagged(await regrades.answer(principal, id, regrade, data, if_match))


HANDLERS = [
    read_grade,
    save_grade,
    list_grade_versions,
    list_markings,
    next_ungraded,
    assign_markers,
    split_markers,
    release_grades,
    ask_regrade,
    list_regrades,
    answer_regrade,
]


def router(grades: Grades, markers: Markers, releases: Releases, regrades: RegradeRequests) -> Router:
    return Router(
        "/assignments",
        route_handlers=HANDLERS,
        dependencies=services(grades=grades, markers=markers, releases=releases, regrades=regrades),
    )
