"""What grading holds on a user, and what goes when they are deleted.

Of a student's own work the comments go, which may name them, and why they asked for a regrade; points stay, as the
attempts do. What a group was told stays. Grades that a marker gave stay with the marker's id. An export has what the
student sees: grades that are not released are in none.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Database
from modules.assignments.grading.reader import GradingAnswers

OWN: Final = "SELECT id FROM assignments_attempt WHERE members @> ARRAY[$1] ORDER BY turned_in_at, id"
REGRADES: Final = """
    SELECT assignment_id, attempt_id, reason, state, answer, asked_at, answered_at
    FROM assignments_regrade WHERE asked_by = $1 ORDER BY id
"""
COMMENTS: Final = "SELECT program_id, text FROM assignments_comment WHERE created_by = $1 ORDER BY id"
FORGET_COMMENTS: Final = """
    UPDATE assignments_grade_version AS version
    SET comment = '', criteria = (
        SELECT coalesce(jsonb_agg(mark || '{"comment": ""}' ORDER BY place), '[]')
        FROM jsonb_array_elements(criteria) WITH ORDINALITY AS marks (mark, place)
    )
    FROM assignments_grade AS grade JOIN assignments_submission AS submission ON submission.id = grade.submission_id
    WHERE version.attempt_id = grade.attempt_id AND submission.user_id = $1
"""
FORGET_REASONS: Final = "UPDATE assignments_regrade SET reason = '', rev = rev + 1 WHERE asked_by = $1"
FORGET_ANSWERS: Final = """
    UPDATE assignments_regrade AS regrade SET answer = '' FROM assignments_submission AS submission
    WHERE submission.id = regrade.submission_id AND submission.user_id = $1
"""


class GradingPersonalData:
    """Each call runs in the transaction around it, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, answers: GradingAnswers) -> None:
        self._database = database
        self._answers = answers

    async def export(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        attempts = [row["id"] for row in await self._database.fetch(OWN, user)]
        grades = await self._answers.released(attempts, clock.now())
        found: dict[str, list[Any]] = {
            "grades": [{"attempt_id": id} | msgspec.to_builtins(grade) for id, grade in grades.items()],
            "regrades": [dict(row) for row in await self._database.fetch(REGRADES, user)],
            "comments": [dict(row) for row in await self._database.fetch(COMMENTS, user)],
        }
        return {what: rows for what, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        for statement in (FORGET_COMMENTS, FORGET_REASONS, FORGET_ANSWERS):
            await self._database.fetch(statement, user)
