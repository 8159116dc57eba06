"""What facts say of the students of a program: one statement, and what it gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.at_risk.rules import Standing
from modules.analytics.measures.completion_repository import SUBJECT_CHARACTERS


class StudentRow(msgspec.Struct, frozen=True):
    """A student with the last day on which they learnt, and the last message to them."""

    standing: Standing
    last_learnt_on: date | None
    written_at: datetime | None
    written_by: str | None


# A deleted user has no subject any more, and is not in it. $1: the program, $2: since when classes and assignments
# count. Keys are cut, not made: PostgreSQL then joins by a hash, and does not compare each with each.
STANDINGS: Final = f"""
    WITH student AS (
        SELECT known.user_id, place.subject, place.at AS enrolled_at
        FROM analytics_register AS place JOIN analytics_subject AS known USING (subject)
        WHERE place.program_id = $1 AND place.name = 'programs.enrolled' AND place.label = 'enrolled'
    ), class AS (
        SELECT subject, count(*) AS sessions, count(*) FILTER (WHERE label IN ('present', 'late')) AS attended
        FROM analytics_register
        WHERE program_id = $1 AND name = 'live.attended' AND at >= $2
            AND label IN ('present', 'late', 'partial', 'absent')
        GROUP BY subject
    ), closed AS (
        SELECT key, at FROM analytics_register
        WHERE program_id = $1 AND name = 'assignments.assignment' AND label = 'closed' AND at >= $2
    ), turned_in AS (
        SELECT left(key, -{SUBJECT_CHARACTERS}) AS key, subject FROM analytics_register
        WHERE program_id = $1 AND name = 'assignments.turned_in' AND label IN ('on_time', 'late')
    ), work AS (
        SELECT student.subject, count(*) AS due, count(turned_in.key) AS turned_in
        FROM student JOIN closed ON closed.at >= student.enrolled_at
        LEFT JOIN turned_in ON turned_in.key = closed.key AND turned_in.subject = student.subject
        GROUP BY student.subject
    ), lesson AS (
        SELECT key FROM analytics_register
        WHERE program_id = $1 AND name = 'programs.lesson' AND label = 'there'
    ), done AS (
        SELECT done.subject, count(*) AS lessons_done
        FROM analytics_register AS done JOIN lesson ON left(done.key, -{SUBJECT_CHARACTERS}) = lesson.key
        WHERE done.program_id = $1 AND done.name = 'programs.lesson_done'
        GROUP BY done.subject
    ), learnt AS (
        SELECT subject, max(day) AS last_learnt_on FROM analytics_learner_day WHERE program_id = $1 GROUP BY subject
    )
    SELECT student.user_id, student.enrolled_at, coalesce(class.sessions, 0) AS sessions,
        coalesce(class.attended, 0) AS attended, coalesce(work.due, 0) AS due,
        coalesce(work.turned_in, 0) AS turned_in, (SELECT count(*) FROM lesson) AS lessons,
        coalesce(done.lessons_done, 0) AS lessons_done, learnt.last_learnt_on, message.at AS written_at,
        message.by_id AS written_by
    FROM student
    LEFT JOIN class USING (subject)
    LEFT JOIN work USING (subject)
    LEFT JOIN done USING (subject)
    LEFT JOIN learnt USING (subject)
    LEFT JOIN analytics_message AS message ON message.program_id = $1 AND message.user_id = student.user_id
"""  # noqa: S608


class StandingRepository:
    """Reads in the snapshot around it; raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_program(self, program: str, since: datetime) -> list[StudentRow]:
        """All students who have a place in the program, in no order."""
        rows = await self._database.fetch(STANDINGS, program, since)
        return [
            StudentRow(msgspec.convert(row, Standing), row["last_learnt_on"], row["written_at"], row["written_by"])
            for row in rows
        ]
