"""What a program teaches: units and their lessons, in order.

One counter of the program, `curriculum_rev`, numbers all changes. Whoever edits holds the lock of the program's row and
takes the next number, which is the new `rev` of what is changed. So of two editors who saw the same `rev` one is told
that it has changed since. A unit takes the new `rev` with whatever changes in it, so nobody deletes a lesson unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.programs.access import ProgramAccess, edits
from modules.programs.curriculum_edit import CurriculumEdits
from modules.programs.curriculum_repository import CurriculumRepository
from modules.programs.errors import curriculum_full
from modules.programs.events import LessonAdded, LessonRemoved
from modules.programs.facade import part_of
from modules.programs.lesson_contents import LessonContents
from modules.programs.messages import (
    Curriculum,
    LessonChange,
    LessonView,
    NewLesson,
    NewUnit,
    Order,
    UnitChange,
    UnitView,
)
from modules.programs.progress import ProgressTracker
from modules.programs.settings import ProgramsSettings


class Curricula:
    """Reads and edits curricula.

    Each call raises Unavailable and BadInput `not_found`. Each change raises Refused `forbidden` for a user who may not
    change the program. A text raises what filters raise.
    """

    def __init__(
        self,
        kernel: Kernel,
        settings: ProgramsSettings,
        rows: CurriculumRepository,
        access: ProgramAccess,
        progress: ProgressTracker,
        edits: CurriculumEdits,
        contents: LessonContents,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._rows = rows
        self._access = access
        self._progress = progress
        self._edits = edits
        self._contents = contents

    async def read(self, principal: Principal, program_id: str) -> Curriculum:
        """Titles in order, for a user who may see the program."""
        await self._access.visible(principal, program_id)
        return await self._rows.outline(program_id)

    async def lesson(self, principal: Principal, program_id: str, lesson_id: str) -> LessonView:
        """The whole lesson, for a user who takes part; raises Refused `forbidden` for others."""
        program = await self._access.visible(principal, program_id)
        if not edits(principal, program) and await part_of(self._kernel.database, principal, program_id) is None:
            raise forbidden("its lessons are for those enrolled in the program")
        return await self._contents.whole(await self._lesson(program_id, lesson_id))

    async def add_unit(self, principal: Principal, program_id: str, new: NewUnit) -> UnitView:
        """Add a unit after the others; raises Conflict `programs.curriculum_full`."""
        await self._kernel.filters.check(new, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            if await self._rows.count_units(program_id) >= self._settings.units:
                raise curriculum_full("units", self._settings.units)
            unit = UnitView(new_id(), new.title, new.summary, rev)
            await self._rows.add_unit(program_id, unit)
        return unit

    async def change_unit(
        self, principal: Principal, program_id: str, unit_id: str, change: UnitChange, if_match: IfMatch
    ) -> UnitView:
        """Raises BadInput `precondition_failed`."""
        await self._kernel.filters.check(change, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            unit = await self._unit(program_id, unit_id)
            if_match.check(unit.rev)
            await self._rows.write_unit(msgspec.structs.replace(unit, **_given(change), rev=rev))
            curriculum = await self._rows.outline(program_id)
        return next(unit for unit in curriculum.units if unit.id == unit_id)

    async def delete_unit(self, principal: Principal, program_id: str, unit_id: str, if_match: IfMatch) -> None:
        """Delete it with its lessons, and what students have done of them; raises BadInput `precondition_failed`."""
        async with self._edits.change(principal, program_id):
            if_match.check((await self._unit(program_id, unit_id)).rev)
            await self._contents.detach(unit_id)
            for lesson_id in await self._rows.lessons_in(unit_id):
                await self._kernel.events.publish(LessonRemoved(program_id, lesson_id))
            await self._rows.delete_unit(unit_id)
            await self._progress.finish(program_id)

    async def add_lesson(self, principal: Principal, program_id: str, unit_id: str, new: NewLesson) -> LessonView:
        """Add a lesson after the others of its unit.

        Raises BadInput `too_large` and Conflict `programs.curriculum_full`.
        """
        self._check_length(new.text)
        await self._kernel.filters.check(new, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            if not await self._rows.touch_unit(program_id, unit_id, rev):
                raise no_unit()
            if await self._rows.count_lessons(program_id) >= self._settings.lessons:
                raise curriculum_full("lessons", self._settings.lessons)
            lesson = LessonView(new_id(), program_id, unit_id, new.title, new.text, rev)
            await self._rows.add_lesson(lesson)
            await self._kernel.events.publish(LessonAdded(program_id, lesson.id))
        return lesson

    async def change_lesson(
        self, principal: Principal, program_id: str, lesson_id: str, change: LessonChange, if_match: IfMatch
    ) -> LessonView:
        """Raises BadInput `precondition_failed` or `too_large`."""
        if isinstance(change.text, str):
            self._check_length(change.text)
        await self._kernel.filters.check(change, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            before = await self._lesson(program_id, lesson_id)
            if_match.check(before.rev)
            lesson = msgspec.structs.replace(before, **_given(change), rev=rev)
            await self._rows.write_lesson(lesson)
            await self._rows.touch_unit(program_id, lesson.unit_id, rev)
        return await self._contents.whole(lesson)

    async def delete_lesson(self, principal: Principal, program_id: str, lesson_id: str, if_match: IfMatch) -> None:
        """Delete it with what students have done of it; raises BadInput `precondition_failed`.

        A student who had completed all other lessons has now completed the program.
        """
        async with self._edits.change(principal, program_id) as rev:
            lesson = await self._lesson(program_id, lesson_id)
            if_match.check(lesson.rev)
            await self._contents.detach(lesson_id)
            await self._rows.delete_lesson(lesson_id)
            await self._kernel.events.publish(LessonRemoved(program_id, lesson_id))
            await self._rows.touch_unit(program_id, lesson.unit_id, rev)
            await self._progress.finish(program_id)

    async def reorder(self, principal: Principal, program_id: str, order: Order, if_match: IfMatch) -> Curriculum:
        """Put all units and lessons in this order.

        Raises BadInput `precondition_failed`, and `invalid` for an order that lacks or doubles some.
        """
        async with self._edits.change(principal, program_id) as rev:
            if_match.check(rev - 1)
            units = rearranged((await self._rows.outline(program_id)).units, order, rev)
            await self._rows.place(units)
        return Curriculum(program_id, rev, units)

    def _check_length(self, text: str) -> None:
        if len(text) > self._settings.lesson_characters:
            most = self._settings.lesson_characters
            raise BadInput(Code.TOO_LARGE, f"text is longer than {most} characters", field="text")

    async def _unit(self, program_id: str, unit_id: str) -> UnitView:
        unit = await self._rows.unit(program_id, unit_id)
        if unit is None:
            raise no_unit()
        return unit

    async def _lesson(self, program_id: str, lesson_id: str) -> LessonView:
        lesson = await self._rows.lesson(program_id, lesson_id)
        if lesson is None:
            raise not_found("there is no such lesson in this program")
        return lesson


def rearranged(units: tuple[UnitView, ...], order: Order, rev: int) -> tuple[UnitView, ...]:
    """The units in another order.

    A unit whose lessons or their order change gets this `rev`, and so does a lesson that goes to another unit. Raises
    BadInput `invalid` when the order does not name each of them once.
    """
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


def no_unit() -> BadInput:
    return not_found("there is no such unit in this program")


def _check_names(ids: Sequence[str], there: Mapping[str, object]) -> None:
    if len(ids) != len(there) or set(ids) != there.keys():
        raise invalid("an order names each unit and each lesson of the curriculum once", field="units")


def _given(change: UnitChange | LessonChange) -> dict[str, Any]:
    """The fields that were not left out."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
