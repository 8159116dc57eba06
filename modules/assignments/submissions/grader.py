"""Grades the questions of an assignment by their keys, when an attempt is turned in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.question_keys import QuestionKind, key_of
from modules.assignments.records import Assignment, WorkKind
from modules.assignments.submissions.quiz import Answered, KeyedQuestion, QuestionResult, grade, total

QUESTIONS: Final = """
    SELECT id, kind, key, points FROM assignments_question WHERE assignment_id = $1 ORDER BY position, id
"""


class Graded(msgspec.Struct, frozen=True):
    points: Decimal
    results: tuple[QuestionResult, ...]


class QuestionGrader:
    """Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grade(self, assignment: Assignment, answers: Mapping[str, Answered]) -> Graded | None:
        """What the answers are worth; None for an assignment without questions."""
        if WorkKind.QUESTIONS not in assignment.accepts:
            return None
        rows = await self._database.fetch(QUESTIONS, assignment.id)
        if not rows:
            return None
        questions = [
            KeyedQuestion(row["id"], row["points"], key_of(QuestionKind(row["kind"]), row["key"])) for row in rows
        ]
        results = grade(questions, answers)
        return Graded(total(results), results)
