"""The rows of units and lessons: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.contract import Database
from modules.programs.messages import Curriculum, LessonTitle, LessonView, UnitView

NEXT_REV: Final = "UPDATE program SET curriculum_rev = curriculum_rev + 1 WHERE id = $1 RETURNING curriculum_rev AS rev"
# One statement, so that it is the curriculum of one moment.
OUTLINE: Final = """
    SELECT program.curriculum_rev, unit.id, unit.title, unit.summary, unit.rev,
        lesson.id AS lesson_id, lesson.title AS lesson_title, lesson.rev AS lesson_rev
    FROM program
    LEFT JOIN program_unit AS unit ON unit.program_id = program.id
    LEFT JOIN program_lesson AS lesson ON lesson.unit_id = unit.id
    WHERE program.id = $1
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""
UNIT: Final = "SELECT id, title, summary, rev FROM program_unit WHERE id = $1 AND program_id = $2"
COUNT_UNITS: Final = "SELECT count(*) AS units FROM program_unit WHERE program_id = $1"
ADD_UNIT: Final = """
    INSERT INTO program_unit (id, program_id, title, summary, rev, position) VALUES ($1, $2, $3, $4, $5,
        (SELECT coalesce(max(position) + 1, 0) FROM program_unit WHERE program_id = $2))
"""
WRITE_UNIT: Final = "UPDATE program_unit SET title = $2, summary = $3, rev = $4 WHERE id = $1"
TOUCH_UNIT: Final = "UPDATE program_unit SET rev = $1 WHERE id = $2 AND program_id = $3 RETURNING id"
LESSONS_IN: Final = "SELECT id FROM program_lesson WHERE unit_id = $1 ORDER BY id"
DELETE_UNIT: Final = "DELETE FROM program_unit WHERE id = $1"
LESSON: Final = "SELECT id, program_id, unit_id, title, text, rev FROM program_lesson WHERE id = $1 AND program_id = $2"
COUNT_LESSONS: Final = "SELECT count(*) AS lessons FROM program_lesson WHERE program_id = $1"
ADD_LESSON: Final = """
    INSERT INTO program_lesson (id, program_id, unit_id, title, text, rev, position) VALUES ($1, $2, $3, $4, $5, $6,
        (SELECT coalesce(max(position) + 1, 0) FROM program_lesson WHERE unit_id = $3))
"""
WRITE_LESSON: Final = "UPDATE program_lesson SET title = $2, text = $3, rev = $4 WHERE id = $1"
DELETE_LESSON: Final = "DELETE FROM program_lesson WHERE id = $1"
PLACE_UNITS: Final = """
    UPDATE program_unit AS unit SET position = placed.position, rev = placed.rev
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS placed (id, rev, position) WHERE unit.id = placed.id
"""
PLACE_LESSONS: Final = """
    UPDATE program_lesson AS lesson SET position = placed.position, rev = placed.rev, unit_id = placed.unit_id
    FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS placed (id, rev, unit_id, position)
    WHERE lesson.id = placed.id
"""


class CurriculumRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_rev(self, program: str) -> int:
        """The number of the change that this transaction makes; its program's row is locked."""
        rows = await self._database.fetch(NEXT_REV, program)
        return int(rows[0]["rev"])

    async def outline(self, program: str) -> Curriculum:
        """The curriculum of a program that exists."""
        rows = await self._database.fetch(OUTLINE, program)
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
        return Curriculum(program, rows[0]["curriculum_rev"], tuple(whole))

    async def unit(self, program: str, unit: str) -> UnitView | None:
        """The unit without its lessons."""
        for row in await self._database.fetch(UNIT, unit, program):
            return msgspec.convert(row, UnitView)
        return None

    async def count_units(self, program: str) -> int:
        rows = await self._database.fetch(COUNT_UNITS, program)
        return int(rows[0]["units"])

    async def add_unit(self, program: str, new: UnitView) -> None:
        """Insert it after the others."""
        await self._database.fetch(ADD_UNIT, new.id, program, new.title, new.summary, new.rev)

    async def write_unit(self, changed: UnitView) -> None:
        await self._database.fetch(WRITE_UNIT, changed.id, changed.title, changed.summary, changed.rev)

    async def touch_unit(self, program: str, unit: str, rev: int) -> bool:
        """Give the unit this `rev`, since something in it changes; False when there is no such unit."""
        return bool(await self._database.fetch(TOUCH_UNIT, rev, unit, program))

    async def lessons_in(self, unit: str) -> list[str]:
        """The ids of the unit's lessons."""
        return [row["id"] for row in await self._database.fetch(LESSONS_IN, unit)]

    async def delete_unit(self, unit: str) -> None:
        """With its lessons, and what students have done of them."""
        await self._database.fetch(DELETE_UNIT, unit)

    async def lesson(self, program: str, lesson: str) -> LessonView | None:
        """The lesson without its items."""
        for row in await self._database.fetch(LESSON, lesson, program):
            # A record of asyncpg has a method `items`.
            return msgspec.convert(dict(row), LessonView)
        return None

    async def count_lessons(self, program: str) -> int:
        rows = await self._database.fetch(COUNT_LESSONS, program)
        return int(rows[0]["lessons"])

    async def add_lesson(self, new: LessonView) -> None:
        """Insert it after the others of its unit."""
        await self._database.fetch(ADD_LESSON, new.id, new.program_id, new.unit_id, new.title, new.text, new.rev)

    async def write_lesson(self, changed: LessonView) -> None:
        await self._database.fetch(WRITE_LESSON, changed.id, changed.title, changed.text, changed.rev)

    async def delete_lesson(self, lesson: str) -> None:
        """With what students have done of it."""
        await self._database.fetch(DELETE_LESSON, lesson)

    async def place(self, units: Sequence[UnitView]) -> None:
        """Put all units and their lessons in this order."""
        await self._database.fetch(PLACE_UNITS, [unit.id for unit in units], [unit.rev for unit in units])
        lessons = [(lesson, unit.id) for unit in units for lesson in unit.lessons]
        await self._database.fetch(
            PLACE_LESSONS,
            [lesson.id for lesson, _ in lessons],
            [lesson.rev for lesson, _ in lessons],
            [unit_id for _, unit_id in lessons],
        )
