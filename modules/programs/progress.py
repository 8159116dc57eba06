"""How far students are: what each has started and completed, and the rates.

A rate counts the lessons that there are. A student's marks go with their lesson, so a rate is right whatever is added
or deleted. Whoever marks a lesson holds a shared lock of the program's row, which keeps the curriculum as it is, and
then the student's own row: of two lessons marked at once the later sees the other, and completes the program once.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.http.listing import Page, Sort, Span
from gateway.principal import Principal
from modules.programs.access import edits, visible
from modules.programs.events import ProgramCompleted
from modules.programs.facade import Part, part_of
from modules.programs.messages import Completion, LessonMark, LessonRate, Mark, ProgramView, Progress, StudentView
from modules.programs.tables import Enrolment, LessonProgress, Program, Student

SHARE: Final = "SELECT FROM program WHERE id = {} FOR SHARE"
IN_PROGRAM: Final = "SELECT FROM program_lesson WHERE id = {} AND program_id = {}"
SEEN: Final = """
    INSERT INTO program_student (program_id, user_id, seen_at) VALUES ({}, {}, {})
    ON CONFLICT (program_id, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at
"""
MARK: Final = """
    INSERT INTO program_progress AS known (lesson_id, user_id, started_at, completed_at) VALUES ({}, {}, {}, {})
    ON CONFLICT (lesson_id, user_id) DO UPDATE SET completed_at = coalesce(known.completed_at, EXCLUDED.completed_at)
    RETURNING lesson_id, started_at, completed_at
"""
# Who takes part as a student: those enrolled, and in a program without enrolments those who have begun.
STUDENTS: Final = """
    WITH asked AS (SELECT {}::text AS program_id, {}::text AS user_id),
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
    UPDATE program_student AS begun SET completed_at = {{}} FROM asked, done
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
PAGE: Final = (
    f"{RATES} WHERE asked.user_id IS NULL OR student.user_id > asked.user_id ORDER BY student.user_id LIMIT {{}}"
)
ONE: Final = f"{RATES} WHERE student.user_id = asked.user_id"
ALL: Final = f"""
    WITH rates AS ({RATES})
    SELECT count(*) AS students, count(*) FILTER (WHERE rate = 1) AS completed,
        coalesce(round(avg(rate)::numeric, 4), 0)::float8 AS rate FROM rates
"""  # noqa: S608
MARKS: Final = """
    SELECT lesson_id, mark.started_at, mark.completed_at FROM program_progress AS mark
    JOIN program_lesson AS lesson ON lesson.id = mark.lesson_id JOIN program_unit AS unit ON unit.id = lesson.unit_id
    WHERE lesson.program_id = {} AND mark.user_id = {}
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""
OF_LESSONS: Final = f"""
    {STUDENTS}
    SELECT lesson.id AS lesson_id, count(mark.user_id) AS started, count(mark.completed_at) AS completed
    FROM program_lesson AS lesson JOIN program_unit AS unit ON unit.id = lesson.unit_id
    LEFT JOIN program_progress AS mark ON mark.lesson_id = lesson.id AND mark.user_id IN (SELECT user_id FROM student)
    WHERE lesson.program_id = (SELECT program_id FROM asked)
    GROUP BY unit.position, unit.id, lesson.position, lesson.id
    ORDER BY unit.position, unit.id, lesson.position, lesson.id
"""  # noqa: S608
BY_USER: Final = Sort("student", (Enrolment.user_id,))


class ProgressTracker:
    """What students have done, and how far that is."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def mark(self, principal: Principal, program_id: str, lesson_id: str, mark: Mark) -> LessonMark:
        """Start or complete a lesson; done again it changes nothing.

        Raises BadInput `not_found`, Refused `forbidden` for who is no student of the program, and Unavailable.
        """
        now = clock.now()
        async with self._kernel.database.transaction():
            await Program.raw(SHARE, program_id)
            await self._student(principal, program_id)
            if not await LessonProgress.raw(IN_PROGRAM, lesson_id, program_id):
                raise not_found("there is no such lesson in this program")
            await Student.raw(SEEN, program_id, principal.id, now)
            completed_at = now if mark.state == "completed" else None
            rows = await LessonProgress.raw(MARK, lesson_id, principal.id, now, completed_at)
            if completed_at is not None:
                await self.finish(program_id, principal.id)
        return _mark(rows[0])

    async def finish(self, program_id: str, user_id: str | None = None) -> None:
        """Tell of the student, or of all of them, who by now have completed every lesson there is.

        Inside a transaction that holds the program's row, or shares it and holds the student's.
        """
        for row in await Student.raw(FINISH, program_id, user_id, clock.now()):
            await self._kernel.events.publish(ProgramCompleted(program_id, row["user_id"]))

    async def own(self, principal: Principal, program_id: str) -> Progress:
        """Raises BadInput `not_found` and Refused `forbidden` for who is no student of the program."""
        with self._kernel.database.guard():
            await self._student(principal, program_id)
            return await self._of(program_id, principal.id) or await _nothing(program_id, principal.id)

    async def of(self, principal: Principal, program_id: str, user_id: str) -> Progress:
        """A student's, for the program's mentors; raises BadInput `not_found` for who is none."""
        with self._kernel.database.guard():
            await self._teaches(principal, program_id)
            found = await self._of(program_id, user_id)
        if found is None:
            raise not_found("this user is no student of the program")
        return found

    async def students(self, principal: Principal, program_id: str, span: Span) -> Page[StudentView]:
        """How far each student is, for the program's mentors, by the students' ids."""
        after = None if span.cursor is None else BY_USER.key(span.cursor)[0].replace("\0", "")
        with self._kernel.database.guard():
            await self._teaches(principal, program_id)
            rows = await Student.raw(PAGE, program_id, after, span.limit + 1)
        items = [msgspec.convert(row, StudentView) for row in rows[: span.limit]]
        return Page(items, BY_USER.cursor(rows[span.limit - 1]) if len(rows) > span.limit else None)

    async def completion(self, principal: Principal, program_id: str) -> Completion:
        """How far the students are together, for the program's mentors."""
        with self._kernel.database.guard():
            await self._teaches(principal, program_id)
            together = (await Student.raw(ALL, program_id, None))[0]
            lessons = [msgspec.convert(row, LessonRate) for row in await Student.raw(OF_LESSONS, program_id, None)]
        return Completion(together["students"], together["completed"], together["rate"], tuple(lessons))

    async def _student(self, principal: Principal, program_id: str) -> None:
        if await part_of(self._kernel.database, principal.id, program_id) is not Part.STUDENT:
            await visible(self._kernel.database, principal, program_id)
            raise forbidden("only students of the program have progress in it")

    async def _teaches(self, principal: Principal, program_id: str) -> ProgramView:
        program = await visible(self._kernel.database, principal, program_id)
        if not edits(principal, program):
            raise forbidden("only its mentors see the progress of a program's students")
        return program

    async def _of(self, program_id: str, user_id: str) -> Progress | None:
        for row in await Student.raw(ONE, program_id, user_id):
            marks = [_mark(mark) for mark in await LessonProgress.raw(MARKS, program_id, user_id)]
            return Progress(msgspec.convert(row, StudentView), tuple(marks))
        return None


async def _nothing(program_id: str, user_id: str) -> Progress:
    """Of who has not begun, in a program without enrolments."""
    rows = await Student.raw("SELECT count(*) AS lessons FROM program_lesson WHERE program_id = {}", program_id)
    return Progress(StudentView(user_id, rows[0]["lessons"], 0, 0.0, None), ())


def _mark(row: dict[str, Any]) -> LessonMark:
    state = "started" if row["completed_at"] is None else "completed"
    return LessonMark(row["lesson_id"], state, row["started_at"], row["completed_at"])  # type: ignore[arg-type]
