"""The rows of rubrics: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.grading.rubric import Criterion, Rubric

SOME: Final = "SELECT assignment_id, criteria, rev FROM assignments_rubric WHERE assignment_id = ANY($1)"
WRITE: Final = """
    INSERT INTO assignments_rubric AS rubric (assignment_id, criteria) VALUES ($1, $2)
    ON CONFLICT (assignment_id) DO UPDATE SET criteria = excluded.criteria, rev = rubric.rev + 1
"""

_CRITERIA: Final = msgspec.json.Decoder(tuple[Criterion, ...])


class RubricRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, assignment_id: str) -> Rubric:
        """The assignment's rubric; one without criteria where there is none."""
        return (await self.some([assignment_id]))[assignment_id]

    async def some(self, assignment_ids: Collection[str]) -> dict[str, Rubric]:
        """The rubrics of all of these, by assignment."""
        rows = await self._database.fetch(SOME, list(assignment_ids))
        found = {
            row["assignment_id"]: Rubric.of(row["assignment_id"], _CRITERIA.decode(row["criteria"]), row["rev"])
            for row in rows
        }
        return {id: found.get(id) or Rubric.of(id, (), 0) for id in assignment_ids}

    async def write(self, rubric: Rubric) -> None:
        """Write the rubric of an assignment whose row is locked."""
        await self._database.fetch(WRITE, rubric.assignment_id, msgspec.json.encode(rubric.criteria).decode())
