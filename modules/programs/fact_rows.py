"""What the rows of programs say of the facts: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.facade import Counted
from modules.programs.events import Enrolled, LessonAdded, LessonCompleted, ProgramCompleted

LESSONS_DONE: Final = "SELECT count(*) FROM program_progress WHERE completed_at >= $1 AND completed_at < $2"
COMPLETED: Final = "SELECT count(*) FROM program_student WHERE completed_at >= $1 AND completed_at < $2"
ENROLLED: Final = """
    SELECT program_id, user_id, created_at AS at FROM program_enrolment
    WHERE state = 'enrolled' AND created_at >= $1 AND created_at < $2
"""
# A lesson has no time of its own: all of a program came when it was made, as far as its rows tell.
LESSONS: Final = """
    SELECT program_id, lesson.id AS lesson_id, program.created_at AS at FROM program_lesson AS lesson
    JOIN program ON program.id = program_id WHERE program.created_at >= $1 AND program.created_at < $2
"""
DONE: Final = """
    SELECT program_id, lesson_id, user_id, completed_at AS at FROM program_progress
    JOIN program_lesson AS lesson ON lesson.id = lesson_id WHERE completed_at >= $1 AND completed_at < $2
"""
FINISHED: Final = """
    SELECT program_id, user_id, completed_at AS at FROM program_student WHERE completed_at >= $1 AND completed_at < $2
"""


async def lesson_done_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Lessons that were completed then."""
    return {"": await _count(database, LESSONS_DONE, since, until)}


async def completed_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Programs that students completed then."""
    return {"": await _count(database, COMPLETED, since, until)}


async def source_events(
    database: Database, since: datetime, until: datetime
) -> AsyncIterator[tuple[msgspec.Struct, datetime]]:
    """Places, lessons, and what was completed, as the rows tell of them; what was deleted is told of nowhere."""
    for row in await database.fetch(ENROLLED, since, until):
        yield Enrolled(row["program_id"], row["user_id"], row["at"]), row["at"]
    for row in await database.fetch(LESSONS, since, until):
        yield LessonAdded(row["program_id"], row["lesson_id"]), row["at"]
    for row in await database.fetch(DONE, since, until):
        yield LessonCompleted(row["program_id"], row["lesson_id"], row["user_id"], row["at"]), row["at"]
    for row in await database.fetch(FINISHED, since, until):
        yield ProgramCompleted(row["program_id"], row["user_id"], row["at"]), row["at"]


async def _count(database: Database, statement: str, since: datetime, until: datetime) -> Counted:
    count = (await database.fetch(statement, since, until))[0]["count"]
    return Counted(count, count)
