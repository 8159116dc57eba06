"""Grades the questions of an assignment by their keys, when an attempt is turned in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.errors import invalid
from modules.assignments.catalogue.question_repository import QuestionRepository
from modules.assignments.question_keys import QuestionKind
from modules.assignments.records import Assignment, WorkKind
from modules.assignments.submissions.quiz import Answered, QuestionResult, grade, total

CHOICES: Final = frozenset({QuestionKind.SINGLE, QuestionKind.MULTIPLE})


class Graded(msgspec.Struct, frozen=True):
    points: Decimal
    results: tuple[QuestionResult, ...]


class QuestionGrader:
    """Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._questions = QuestionRepository(database)

    async def check(self, assignment: Assignment, answers: Mapping[str, Answered]) -> None:
        """Check that these are answers to questions of the assignment. Raises BadInput `invalid`."""
        if not answers:
            return
        questions = {one.id: one for one in await self._questions.of(assignment.id)}
        for id, answer in answers.items():
            if (question := questions.get(id)) is None:
                raise invalid(f"there is no question {id}", field="answers")
            if question.kind not in CHOICES:
                if answer.options:
                    raise invalid(f"the question {id} has no options", field="answers")
                continue
            if answer.text or not {*answer.options} <= {one.id for one in question.options}:
                raise invalid(f"the question {id} is answered by its options", field="answers")
            if question.kind is QuestionKind.SINGLE and len(answer.options) > 1:
                raise invalid(f"the question {id} takes one option", field="answers")

    async def grade(self, assignment: Assignment, answers: Mapping[str, Answered]) -> Graded | None:
        """What the answers are worth; None for an assignment without questions.

        Inside a transaction that shares the assignment's row, so that nobody changes a key in between.
        """
        if WorkKind.QUESTIONS not in assignment.accepts:
            return None
        questions = await self._questions.of(assignment.id)
        if not questions:
            return None
        results = grade(questions, answers)
        return Graded(total(results), results)
