"""The routes of assignments and their questions."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.catalogue.assignments import Assignments
from modules.assignments.catalogue.messages import AssignmentChange, ListedAssignment, NewAssignment, WholeAssignment
from modules.assignments.catalogue.question_messages import NewQuestions, Questions
from modules.assignments.catalogue.questions import QuestionCatalogue
from modules.assignments.catalogue.reading import AssignmentReading

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Program = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Those of this program")]
Lesson = Annotated[str | None, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Only those of this lesson")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS = signed_in(owner="they take part in the program")


@post("/", policy=TEACHERS, idempotent=True, missing=True)
async def create_assignment(
    data: JSONBody[NewAssignment],
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    reading: NamedDependency[AssignmentReading],
) -> Response[WholeAssignment]:
    """Write a draft."""
    assignment = await reading.for_mentors(await assignments.create(principal, data))
    return tagged(assignment, status=201, headers={"Location": f"/api/v1/assignments/{assignment.id}"})


@get("/", policy=PARTICIPANTS, missing=True)
async def list_assignments(
    program: Program,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    reading: NamedDependency[AssignmentReading],
    lesson: Lesson = None,
) -> Page[ListedAssignment]:
    """Assignments of a program, newest first; students see what is published, with what holds for them."""
    return await reading.listed(principal, program, lesson, span)


# A student's part of the answer changes without the revision.
@get("/{id:str}", policy=PARTICIPANTS, conditional=False)
async def read_assignment(
    id: Id, principal: NamedDependency[Principal], reading: NamedDependency[AssignmentReading]
) -> Response[WholeAssignment]:
    """A whole assignment; students read its instructions once it is open."""
    return tagged(await reading.read(principal, id))


@patch("/{id:str}", policy=TEACHERS)
async def change_assignment(
    id: Id,
    data: JSONBody[AssignmentChange],
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    reading: NamedDependency[AssignmentReading],
    if_match: NamedDependency[IfMatch],
) -> Response[WholeAssignment]:
    """Change an assignment that nobody has changed since."""
    return tagged(await reading.for_mentors(await assignments.change(principal, id, data, if_match)))


@delete("/{id:str}", policy=TEACHERS)
async def delete_assignment(
    id: Id,
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete a draft on which no student has begun work."""
    await assignments.delete(principal, id, if_match)


@post("/{id:str}/publish", policy=TEACHERS, status_code=200)
async def publish_assignment(
    id: Id,
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    reading: NamedDependency[AssignmentReading],
    if_match: NamedDependency[IfMatch],
) -> Response[WholeAssignment]:
    """Let the students of the program see an assignment."""
    return tagged(await reading.for_mentors(await assignments.publish(principal, id, if_match)))


@post("/{id:str}/unpublish", policy=TEACHERS, status_code=200)
async def unpublish_assignment(
    id: Id,
    principal: NamedDependency[Principal],
    assignments: NamedDependency[Assignments],
    reading: NamedDependency[AssignmentReading],
    if_match: NamedDependency[IfMatch],
) -> Response[WholeAssignment]:
    """Take an assignment back from the students, while nothing is turned in."""
    return tagged(await reading.for_mentors(await assignments.unpublish(principal, id, if_match)))


# Before it opens a student sees none, and its opening raises the revision a moment later.
@get("/{id:str}/questions", policy=PARTICIPANTS, conditional=False)
async def read_questions(
    id: Id, principal: NamedDependency[Principal], question_catalogue: NamedDependency[QuestionCatalogue]
) -> Response[Questions]:
    """The questions of an assignment; keys are for those who teach it."""
    return tagged(await question_catalogue.read(principal, id))


@put("/{id:str}/questions", policy=TEACHERS)
async def replace_questions(
    id: Id,
    data: JSONBody[NewQuestions],
    principal: NamedDependency[Principal],
    question_catalogue: NamedDependency[QuestionCatalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[Questions]:
    """Put questions in place of all there are, until somebody has answered them; with the assignment's ETag."""
    return tagged(await question_catalogue.replace(principal, id, data, if_match))


def router(assignments: Assignments, reading: AssignmentReading, questions: QuestionCatalogue) -> Router:
    return Router(
        "/assignments",
        route_handlers=[
            create_assignment,
            list_assignments,
            read_assignment,
            change_assignment,
            delete_assignment,
            publish_assignment,
            unpublish_assignment,
            read_questions,
            replace_questions,
        ],
        dependencies=services(assignments=assignments, reading=reading, question_catalogue=questions),
    )
