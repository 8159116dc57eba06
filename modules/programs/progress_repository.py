"""The rows of progress: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span
from modules.programs.messages import Completion, LessonMark, LessonRate, Progress, StudentView
from modules.programs.tables import Enrolment

SHARE_PROGRAM: Final = "SELECT FROM program WHERE id = $1 FOR SHARE"
HAS_LESSON: Final = "SELECT FROM program_lesson WHERE id = $1 AND program_id = $2"
NOTE_STUDENT: Final = """
    INSERT INTO program_student (program_id, user_id, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (program_id, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at
"""
WRITE_MARK: Final = """
    INSERT INTO program_progress AS known (lesson_id, user_id, started_at, completed_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (lesson_id, user_id) DO UPDATE SET completed_at = coalesce(known.completed_at, EXCLUDED.completed_at)
    RETURNING lesson_id, started_at, completed_at
"""
# The students are those enrolled, and in a program that is open to all those who have begun.
STUDENTS: Final = """
    WITH asked AS (SELECT $1::text AS program_id, $2::text AS user_id),
    student AS (
        SELECT user_id FROM program_enrolment WHERE program_id = (SELECT program_id FROM asked) AND state = 'enrolled'
        UNION
        SELECT begun.user_id FROM program_student AS begun JOIN program ON program.id = begun.program_id
        WHERE begun.program_id = (SELECT program_id FROM asked) AND program.open_to_all
    ),
    lesson AS (SELECT id FROM program_lesson WHERE program_id = (SELECT program_id FROM asked)),
    done AS (
        SELECT user_id, count(*) AS completed FROM program_progress
        WHERE lesson_id IN (SELECT id FROM lesson) AND completed_at IS NOT NULL GROUP BY user_id
    )
"""
FINISH: Final = f"""
    {STUDENTS}
    UPDATE program_student AS begun SET completed_at = $3 FROM asked, done
    WHERE begun.program_id = asked.program_id AND (asked.user_id IS NULL OR begun.user_id = asked.user_id)
        AND begun.completed_at IS NULL AND begun.user_id IN (SELECT user_id FROM student)
        AND done.user_id = begun.user_id AND done.completed = (SELECT count(*) FROM lesson)
    RETURNING begun.user_id
"""  # noqa: S608
RATES: Final = f"""
    {STUDENTS}
    SELECT student.user_id, lessons, coalesce(done.completed, 0) AS completed, begun.completed_at,
        CASE lessons WHEN 0 THEN 0.0 ELSE round(coalesce(done.completed, 0)::numeric / lessons, 4) END::float8 AS rate
    FROM asked CROSS JOIN (SELECT count(*) AS lessons FROM lesson) AS counted CROSS JOIN student
    LEFT JOIN done ON done.user_id = student.user_id
    LEFT JOIN program_student AS begun ON begun.program_id = asked.program_id AND begun.user_id = student.user_id
"""  # noqa: S608
AFTER: Final = (
    f"{RATES} WHERE asked.user_id IS NULL OR student.user_id > asked.user_id ORDER BY student.user_id LIMIT $3"
)
OF_STUDENT: Final = f"{RATES} WHERE student.user_id = asked.user_id"
TOGETHER: Final = f"""
    WITH rates AS ({RATES})
    SELECT count(*) AS students, count(*) FILTER (WHERE rate = 1) AS completed,
        coalesce(round(avg(rate)::numeric, 4), 0)::float8 AS rate FROM rates
"""  # noqa: S608
MARKS: Final = """
    SELECT lesson_id, mark.started_at, mark.completed_at FROM program_progress AS mark
    JOIN program_lesson AS lesson ON lesson.id = mark.lesson_id JOIN program_unit AS unit ON unit.id = lesson.unit_id
    WHERE lesson.program_id = $1 AND mark.user_id = $2
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""
LESSON_RATES: Final = f"""
    {STUDENTS}
    SELECT lesson.id AS lesson_id, count(mark.user_id) AS started, count(mark.completed_at) AS completed
    FROM program_lesson AS lesson JOIN program_unit AS unit ON unit.id = lesson.unit_id
    LEFT JOIN program_progress AS mark ON mark.lesson_id = lesson.id AND mark.user_id IN (SELECT user_id FROM student)
    WHERE lesson.program_id = (SELECT program_id FROM asked)
    GROUP BY unit.position, unit.id, lesson.position, lesson.id
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""  # noqa: S608
BY_USER: Final = Sort("student", (Enrolment.user_id,))
COUNT_LESSONS: Final = "SELECT count(*) AS lessons FROM program_lesson WHERE program_id = $1"


class ProgressRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def share_program(self, program: str) -> None:
        """Nobody changes the program's curriculum or places until the transaction ends; others may share it."""
        await self._database.fetch(SHARE_PROGRAM, program)

    async def has_lesson(self, program: str, lesson: str) -> bool:
        return bool(await self._database.fetch(HAS_LESSON, lesson, program))

    async def note_student(self, program: str, user: str, now: datetime) -> None:
        """Write that the student was here; their row stays locked until the transaction ends."""
        await self._database.fetch(NOTE_STUDENT, program, user, now)

    async def write_mark(self, lesson: str, user: str, now: datetime, completed_at: datetime | None) -> LessonMark:
        """Start the lesson, or complete it; what was done before stays as it is."""
        rows = await self._database.fetch(WRITE_MARK, lesson, user, now, completed_at)
        return _mark(rows[0])

    async def finish(self, program: str, user: str | None, now: datetime) -> list[str]:
        """Note who has now completed every lesson for the first time: this student, or all of them."""
        return [row["user_id"] for row in await self._database.fetch(FINISH, program, user, now)]

    async def progress(self, program: str, user: str) -> Progress | None:
        """A student's progress; None for a user who is no student of the program."""
        for row in await self._database.fetch(OF_STUDENT, program, user):
            marks = await self._database.fetch(MARKS, program, user)
            return Progress(msgspec.convert(row, StudentView), tuple(_mark(mark) for mark in marks))
        return None

    async def nothing_yet(self, program: str, user: str) -> Progress:
        """The progress of a user who has not begun, in a program that is open to all."""
        rows = await self._database.fetch(COUNT_LESSONS, program)
        return Progress(StudentView(user, rows[0]["lessons"], 0, 0.0, None), ())

    async def students(self, program: str, after: str | None, limit: int) -> Page[StudentView]:
        """How far each student is, by their ids, from the one after `after` on."""
        rows = await self._database.fetch(AFTER, program, after, limit + 1)
        items = [msgspec.convert(row, StudentView) for row in rows[:limit]]
        return Page(items, BY_USER.cursor(dict(rows[limit - 1])) if len(rows) > limit else None)

    async def completion(self, program: str) -> Completion:
        """How far the students are together, and in each lesson."""
        together = (await self._database.fetch(TOGETHER, program, None))[0]
        rates = [msgspec.convert(row, LessonRate) for row in await self._database.fetch(LESSON_RATES, program, None)]
        return Completion(together["students"], together["completed"], together["rate"], tuple(rates))


def last_seen(span: Span) -> str | None:
    """The student that a page of students comes after; raises BadInput `invalid` for a cursor of another list."""
    return None if span.cursor is None else str(BY_USER.key(span.cursor)[0]).replace("\0", "")


def _mark(row: Any) -> LessonMark:
    state = "started" if row["completed_at"] is None else "completed"
    return LessonMark(row["lesson_id"], state, row["started_at"], row["completed_at"])  # type: ignore[arg-type]
