"""The routes of programs, of places in them, and of their curriculum."""

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
from modules.programs.catalogue import Catalogue
from modules.programs.curriculum import Curricula
from modules.programs.enrolments import Enrolments
from modules.programs.messages import (
    Completion,
    Curriculum,
    EnrolmentView,
    LessonChange,
    LessonMark,
    LessonView,
    Mark,
    NewLesson,
    NewProgram,
    NewUnit,
    Order,
    ProgramChange,
    ProgramView,
    Progress,
    StudentView,
    UnitChange,
    UnitView,
)
from modules.programs.progress import ProgressTracker
from modules.programs.states import ProgramStep

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
    return tagged(await catalogue.step(principal, id, ProgramStep.PUBLISH, if_match))


@post("/{id:str}/archive", policy=EDITORS, status_code=200)
async def archive(
    id: Id,
    principal: NamedDependency[Principal],
    catalogue: NamedDependency[Catalogue],
    if_match: NamedDependency[IfMatch],
) -> Response[ProgramView]:
    """Take a program out of the catalogue."""
    return tagged(await catalogue.step(principal, id, ProgramStep.ARCHIVE, if_match))


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


@get("/{id:str}/curriculum", policy=signed_in())
async def curriculum(
    id: Id, principal: NamedDependency[Principal], curricula: NamedDependency[Curricula]
) -> Response[Curriculum]:
    """Titles of units and lessons in their order, for everyone who sees the program."""
    return tagged(await curricula.read(principal, id))


@put("/{id:str}/curriculum/order", policy=EDITORS)
async def reorder(
    id: Id,
    data: JSONBody[Order],
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
    if_match: NamedDependency[IfMatch],
) -> Response[Curriculum]:
    """Put all units and lessons in another order, lessons into other units too; with the curriculum's ETag."""
    return tagged(await curricula.reorder(principal, id, data, if_match))


@post("/{id:str}/units", policy=EDITORS, idempotent=True)
async def add_unit(
    id: Id,
    data: JSONBody[NewUnit],
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
) -> Response[UnitView]:
    """Add a unit after the others."""
    return tagged(await curricula.add_unit(principal, id, data), status=201)


@patch("/{id:str}/units/{unit:str}", policy=EDITORS)
async def change_unit(
    id: Id,
    unit: Id,
    data: JSONBody[UnitChange],
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
    if_match: NamedDependency[IfMatch],
) -> Response[UnitView]:
    """Change a unit in which nothing has changed since."""
    return tagged(await curricula.change_unit(principal, id, unit, data, if_match))


@delete("/{id:str}/units/{unit:str}", policy=EDITORS)
async def delete_unit(
    id: Id,
    unit: Id,
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete a unit with its lessons, if nothing in it has changed since."""
    await curricula.delete_unit(principal, id, unit, if_match)


@post("/{id:str}/units/{unit:str}/lessons", policy=EDITORS, idempotent=True)
async def add_lesson(
    id: Id,
    unit: Id,
    data: JSONBody[NewLesson],
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
) -> Response[LessonView]:
    """Add a lesson after the others of its unit."""
    lesson = await curricula.add_lesson(principal, id, unit, data)
    return tagged(lesson, status=201, headers={"Location": f"/api/v1/programs/{id}/lessons/{lesson.id}"})


# A recording, or a file that is checked, changes what it shows without a new `rev`.
@get("/{id:str}/lessons/{lesson:str}", policy=signed_in(owner="they take part in the program"), conditional=False)
async def lesson(
    id: Id, lesson: Id, principal: NamedDependency[Principal], curricula: NamedDependency[Curricula]
) -> Response[LessonView]:
    """A whole lesson: its text, its items in their order, and the recordings of its live sessions."""
    return tagged(await curricula.lesson(principal, id, lesson))


@patch("/{id:str}/lessons/{lesson:str}", policy=EDITORS)
async def change_lesson(
    id: Id,
    lesson: Id,
    data: JSONBody[LessonChange],
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
    if_match: NamedDependency[IfMatch],
) -> Response[LessonView]:
    """Change a lesson that nobody has changed since."""
    return tagged(await curricula.change_lesson(principal, id, lesson, data, if_match))


@delete("/{id:str}/lessons/{lesson:str}", policy=EDITORS)
async def delete_lesson(
    id: Id,
    lesson: Id,
    principal: NamedDependency[Principal],
    curricula: NamedDependency[Curricula],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete a lesson that nobody has changed since, with what students have done of it."""
    await curricula.delete_lesson(principal, id, lesson, if_match)


@put("/{id:str}/lessons/{lesson:str}/progress", policy=signed_in(owner="they are a student of the program"))
async def mark(
    id: Id,
    lesson: Id,
    data: JSONBody[Mark],
    principal: NamedDependency[Principal],
    progress: NamedDependency[ProgressTracker],
) -> LessonMark:
    """Start or complete a lesson; again, it changes nothing."""
    return await progress.mark(principal, id, lesson, data)


@get("/{id:str}/progress", policy=signed_in(owner="they are a student of the program"))
async def own_progress(
    id: Id, principal: NamedDependency[Principal], progress: NamedDependency[ProgressTracker]
) -> Progress:
    """How far you are, lesson by lesson."""
    return await progress.own(principal, id)


@get("/{id:str}/completion", policy=EDITORS)
async def completion(
    id: Id, principal: NamedDependency[Principal], progress: NamedDependency[ProgressTracker]
) -> Completion:
    """How far the students are together, and in each lesson."""
    return await progress.completion(principal, id)


@get("/{id:str}/students", policy=EDITORS)
async def students(
    id: Id,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    progress: NamedDependency[ProgressTracker],
) -> Page[StudentView]:
    """How far each student is, by their ids."""
    return await progress.students(principal, id, span)


@get("/{id:str}/students/{user:str}", policy=EDITORS)
async def student(
    id: Id, user: Id, principal: NamedDependency[Principal], progress: NamedDependency[ProgressTracker]
) -> Progress:
    """How far one student is, lesson by lesson."""
    return await progress.of(principal, id, user)


@delete("/{id:str}/students/{user:str}", policy=EDITORS)
async def expel(
    id: Id, user: Id, principal: NamedDependency[Principal], enrolments: NamedDependency[Enrolments]
) -> None:
    """Take a student's place, or a user who waits off the list; what they paid goes back."""
    await enrolments.expel(principal, id, user)


def router(catalogue: Catalogue, enrolments: Enrolments, curricula: Curricula, progress: ProgressTracker) -> Router:
    return Router(
        "/programs",
        route_handlers=[
            published,
            own,
            create,
            read,
            change,
            publish,
            archive,
            enrol,
            enrolment,
            cancel,
            curriculum,
            reorder,
            add_unit,
            change_unit,
            delete_unit,
            add_lesson,
            lesson,
            change_lesson,
            delete_lesson,
            mark,
            own_progress,
            completion,
            students,
            student,
            expel,
        ],
        dependencies=services(catalogue=catalogue, enrolments=enrolments, curricula=curricula, progress=progress),
    )
