"""The rows of questions: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.catalogue.question import Option, Question
from modules.assignments.question_keys import QuestionKind, key_of

OF: Final = """
    SELECT id, kind, text, options, key, points FROM assignments_question WHERE assignment_id = $1 ORDER BY position
"""
DELETE: Final = "DELETE FROM assignments_question WHERE assignment_id = $1"
INSERT: Final = """
    INSERT INTO assignments_question (id, assignment_id, position, kind, text, options, key, points)
    SELECT one.id, $1, one.position - 1, one.kind, one.text, one.options::jsonb, one.key::jsonb, one.points
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[])
        WITH ORDINALITY AS one (id, kind, text, options, key, points, position)
"""
TOTAL: Final = """
    SELECT count(*) AS count, coalesce(sum(points), 0) AS points FROM assignments_question WHERE assignment_id = $1
"""
OPTIONS: Final = msgspec.json.Decoder(tuple[Option, ...])


class QuestionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, assignment_id: str) -> list[Question]:
        """The questions of an assignment in their order, with their keys: never for students as they are."""
        return [
            Question(
                row["id"],
                QuestionKind(row["kind"]),
                row["text"],
                OPTIONS.decode(row["options"]),
                key_of(QuestionKind(row["kind"]), row["key"]),
                row["points"],
            )
            for row in await self._database.fetch(OF, assignment_id)
        ]

    async def replace(self, assignment_id: str, questions: Sequence[Question]) -> None:
        """Put these, in this order, in place of all there are."""
        await self._database.fetch(DELETE, assignment_id)
        await self._database.fetch(
            INSERT,
            assignment_id,
            [one.id for one in questions],
            [one.kind.value for one in questions],
            [one.text for one in questions],
            [msgspec.json.encode(one.options).decode() for one in questions],
            [msgspec.json.encode(one.key).decode() for one in questions],
            [one.points for one in questions],
        )

    async def total(self, assignment_id: str) -> tuple[int, Decimal]:
        """How many questions there are, and their points together."""
        (row,) = await self._database.fetch(TOTAL, assignment_id)
        return row["count"], row["points"]
