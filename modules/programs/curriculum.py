"""What a program teaches: units and their lessons, in order.

Whoever edits it holds the lock of the program's row and takes the next `curriculum_rev`, which is the new `rev` of what
is changed: so each change has its own, and of two who saw the same `rev` one is told that it has changed since. A unit
takes the new `rev` with whatever changes in it, so that nobody deletes a lesson unseen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from piccolo.columns import Column

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.programs.access import edits, locked, visible
from modules.programs.errors import curriculum_full
from modules.programs.facade import part_of
from modules.programs.messages import (
    Curriculum,
    LessonChange,
    LessonTitle,
    LessonView,
    NewLesson,
    NewUnit,
    Order,
    UnitChange,
    UnitView,
)
from modules.programs.progress import ProgressTracker
from modules.programs.settings import ProgramsSettings
from modules.programs.tables import Lesson, Program, Unit

NEXT: Final = "UPDATE program SET curriculum_rev = curriculum_rev + 1 WHERE id = {} RETURNING curriculum_rev AS rev"
# One statement, so that it is one moment's curriculum.
OUTLINE: Final = """
    SELECT program.curriculum_rev, unit.id, unit.title, unit.summary, unit.rev,
        lesson.id AS lesson_id, lesson.title AS lesson_title, lesson.rev AS lesson_rev
    FROM program
    LEFT JOIN program_unit AS unit ON unit.program_id = program.id
    LEFT JOIN program_lesson AS lesson ON lesson.unit_id = unit.id
    WHERE program.id = {}
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""
LESSON: Final = "SELECT id, program_id, unit_id, title, text, rev FROM program_lesson WHERE id = {} AND program_id = {}"
UNIT: Final = "SELECT id, title, summary, rev FROM program_unit WHERE id = {} AND program_id = {}"
ADD_UNIT: Final = """
    INSERT INTO program_unit (id, program_id, title, summary, rev, position) VALUES ({}, {}, {}, {}, {},
        (SELECT coalesce(max(position) + 1, 0) FROM program_unit WHERE program_id = {}))
"""
ADD_LESSON: Final = """
    INSERT INTO program_lesson (id, program_id, unit_id, title, text, rev, position) VALUES ({}, {}, {}, {}, {}, {},
        (SELECT coalesce(max(position) + 1, 0) FROM program_lesson WHERE unit_id = {}))
"""
TOUCH: Final = "UPDATE program_unit SET rev = {} WHERE id = {} AND program_id = {} RETURNING id"
PLACE_UNITS: Final = """
    UPDATE program_unit AS unit SET position = placed.position, rev = placed.rev
    FROM unnest({}::text[], {}::bigint[]) WITH ORDINALITY AS placed (id, rev, position) WHERE unit.id = placed.id
"""
PLACE_LESSONS: Final = """
    UPDATE program_lesson AS lesson SET position = placed.position, rev = placed.rev, unit_id = placed.unit_id
    FROM unnest({}::text[], {}::bigint[], {}::text[]) WITH ORDINALITY AS placed (id, rev, unit_id, position)
    WHERE lesson.id = placed.id
"""
PUSH: Final = "programs.curriculum"


class Curricula:
    """Reads and edits curricula."""

    def __init__(self, kernel: Kernel, settings: ProgramsSettings, progress: ProgressTracker) -> None:
        self._kernel = kernel
        self._settings = settings
        self._progress = progress

    async def read(self, principal: Principal, program_id: str) -> Curriculum:
        """For who may see the program: titles, in order; raises BadInput `not_found`."""
        with self._kernel.database.guard():
            await visible(self._kernel.database, principal, program_id)
            return await outline(program_id)

    async def lesson(self, principal: Principal, program_id: str, lesson_id: str) -> LessonView:
        """The whole lesson, for who takes part; raises BadInput `not_found` and Refused `forbidden`."""
        with self._kernel.database.guard():
            program = await visible(self._kernel.database, principal, program_id)
            if not edits(principal, program) and await part_of(self._kernel.database, principal.id, program_id) is None:
                raise forbidden("its lessons are for those enrolled in the program")
            return await _lesson(program_id, lesson_id)

    async def add_unit(self, principal: Principal, program_id: str, new: NewUnit) -> UnitView:
        """A unit after the others; raises Conflict `programs.curriculum_full`."""
        async with self._editing(principal, program_id) as rev:
            if await Unit.count().where(Unit.program_id == program_id) >= self._settings.units:
                raise curriculum_full("units", self._settings.units)
            unit = UnitView(new_id(), new.title, new.summary, rev)
            await Unit.raw(ADD_UNIT, unit.id, program_id, unit.title, unit.summary, rev, program_id)
        return unit

    async def change_unit(
        self, principal: Principal, program_id: str, unit_id: str, change: UnitChange, if_match: IfMatch
    ) -> UnitView:
        async with self._editing(principal, program_id) as rev:
            if_match.check(await _unit_rev(program_id, unit_id))
            await Unit.update(_said(change, rev)).where(Unit.id == unit_id)
            curriculum = await outline(program_id)
        return next(unit for unit in curriculum.units if unit.id == unit_id)

    async def delete_unit(self, principal: Principal, program_id: str, unit_id: str, if_match: IfMatch) -> None:
        """With its lessons, and what students have done of them."""
        async with self._editing(principal, program_id):
            if_match.check(await _unit_rev(program_id, unit_id))
            await Unit.delete().where(Unit.id == unit_id)
            await self._progress.finish(program_id)

    async def add_lesson(self, principal: Principal, program_id: str, unit_id: str, new: NewLesson) -> LessonView:
        """A lesson after the others of its unit; raises Conflict `programs.curriculum_full`."""
        self._check(new.text)
        async with self._editing(principal, program_id) as rev:
            if not await Unit.raw(TOUCH, rev, unit_id, program_id):
                raise no_unit()
            if await Lesson.count().where(Lesson.program_id == program_id) >= self._settings.lessons:
                raise curriculum_full("lessons", self._settings.lessons)
            lesson = LessonView(new_id(), program_id, unit_id, new.title, new.text, rev)
            await Lesson.raw(ADD_LESSON, lesson.id, program_id, unit_id, new.title, new.text, rev, unit_id)
        return lesson

    async def change_lesson(
        self, principal: Principal, program_id: str, lesson_id: str, change: LessonChange, if_match: IfMatch
    ) -> LessonView:
        if isinstance(change.text, str):
            self._check(change.text)
        async with self._editing(principal, program_id) as rev:
            found = await _lesson(program_id, lesson_id)
            if_match.check(found.rev)
            await Lesson.update(_said(change, rev)).where(Lesson.id == lesson_id)
            await Unit.raw(TOUCH, rev, found.unit_id, program_id)
            return await _lesson(program_id, lesson_id)

    async def delete_lesson(self, principal: Principal, program_id: str, lesson_id: str, if_match: IfMatch) -> None:
        """With what students have done of it; who had all others completed has completed the program."""
        async with self._editing(principal, program_id) as rev:
            found = await _lesson(program_id, lesson_id)
            if_match.check(found.rev)
            await Lesson.delete().where(Lesson.id == lesson_id)
            await Unit.raw(TOUCH, rev, found.unit_id, program_id)
            await self._progress.finish(program_id)

    async def reorder(self, principal: Principal, program_id: str, order: Order, if_match: IfMatch) -> Curriculum:
        """Put all units and lessons in this order; raises BadInput `invalid` for one that lacks or doubles some."""
        async with self._editing(principal, program_id) as rev:
            if_match.check(rev - 1)
            units = rearranged((await outline(program_id)).units, order, rev)
            await Unit.raw(PLACE_UNITS, [unit.id for unit in units], [unit.rev for unit in units])
            lessons = [(lesson, unit.id) for unit in units for lesson in unit.lessons]
            await Lesson.raw(
                PLACE_LESSONS,
                [lesson.id for lesson, _ in lessons],
                [lesson.rev for lesson, _ in lessons],
                [unit_id for _, unit_id in lessons],
            )
        return Curriculum(program_id, rev, units)

    @asynccontextmanager
    async def _editing(self, principal: Principal, program_id: str) -> AsyncIterator[int]:
        """A transaction for one change and its `rev`, for who may change the program; its room is told at the end.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        async with self._kernel.database.transaction():
            await locked(self._kernel.database, principal, program_id)
            rev: int = (await Program.raw(NEXT, program_id))[0]["rev"]
            yield rev
            await self._kernel.rooms.publish_row(f"program:{program_id}", PUSH, await outline(program_id))

    def _check(self, text: str) -> None:
        if len(text) > self._settings.lesson_characters:
            most = self._settings.lesson_characters
            raise BadInput(Code.TOO_LARGE, f"text is longer than {most} characters", field="text")


async def outline(program_id: str) -> Curriculum:
    """The curriculum of a program that is there."""
    rows = await Program.raw(OUTLINE, program_id)
    units: dict[str, UnitView] = {}
    lessons: dict[str, list[LessonTitle]] = {}
    for row in rows:
        if row["id"] is None:
            continue
        units.setdefault(row["id"], UnitView(row["id"], row["title"], row["summary"], row["rev"]))
        if row["lesson_id"] is not None:
            lesson = LessonTitle(row["lesson_id"], row["lesson_title"], row["lesson_rev"])
            lessons.setdefault(row["id"], []).append(lesson)
    whole = (msgspec.structs.replace(unit, lessons=tuple(lessons.get(unit.id, ()))) for unit in units.values())
    return Curriculum(program_id, rows[0]["curriculum_rev"], tuple(whole))


def rearranged(units: tuple[UnitView, ...], order: Order, rev: int) -> tuple[UnitView, ...]:
    """The units in another order; a unit with other lessons, or in another order, and a lesson in another unit get
    this `rev`. Raises BadInput `invalid` when the order does not name each of them once."""
    known = {unit.id: unit for unit in units}
    home = {lesson.id: (lesson, unit.id) for unit in units for lesson in unit.lessons}
    _check_names([unit.id for unit in order.units], known)
    _check_names([id for unit in order.units for id in unit.lessons], home)

    def placed(id: str, lessons: list[str]) -> UnitView:
        moved = tuple(
            lesson if unit_id == id else msgspec.structs.replace(lesson, rev=rev)
            for lesson, unit_id in (home[lesson_id] for lesson_id in lessons)
        )
        unit = known[id]
        return unit if moved == unit.lessons else msgspec.structs.replace(unit, lessons=moved, rev=rev)

    return tuple(placed(unit.id, unit.lessons) for unit in order.units)


def _check_names(ids: Sequence[str], there: Mapping[str, object]) -> None:
    if len(ids) != len(there) or set(ids) != there.keys():
        raise invalid("an order names each unit and each lesson of the curriculum once", field="units")


async def _lesson(program_id: str, lesson_id: str) -> LessonView:
    for row in await Lesson.raw(LESSON, lesson_id, program_id):
        return msgspec.convert(row, LessonView)
    raise no_lesson()


async def _unit_rev(program_id: str, unit_id: str) -> int:
    for row in await Unit.raw(UNIT, unit_id, program_id):
        rev: int = row["rev"]
        return rev
    raise no_unit()


def _said(change: UnitChange | LessonChange, rev: int) -> dict[Column | str, Any]:
    """The fields that were not left out, and the `rev` they get."""
    values = {**msgspec.structs.asdict(change), "rev": rev}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def no_unit() -> BadInput:
    return not_found("there is no such unit in this program")


def no_lesson() -> BadInput:
    return not_found("there is no such lesson in this program")
