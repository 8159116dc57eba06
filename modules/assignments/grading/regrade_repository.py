"""The rows of regrades: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.grading.regrade_messages import Regrade, RegradeState

COLUMNS: Final = ", ".join(Regrade.__struct_fields__)
ONE: Final = f"SELECT {COLUMNS} FROM assignments_regrade WHERE id = $1 AND assignment_id = $2"  # noqa: S608
OF_ASSIGNMENT: Final = f"""
    SELECT {COLUMNS} FROM assignments_regrade
    WHERE assignment_id = $1 AND ($2::text[] IS NULL OR submission_id = ANY($2)) ORDER BY id DESC
"""  # noqa: S608
ADD: Final = """
    INSERT INTO assignments_regrade (id, assignment_id, submission_id, attempt_id, reason, state, asked_by, asked_at)
    VALUES ($1, $2, $3, $4, $5, 'open', $6, $7)
"""
ASKED: Final = "SELECT state FROM assignments_regrade WHERE attempt_id = $1"
ANSWER: Final = f"""
    UPDATE assignments_regrade
    SET state = $2, answer = $3, answered_by = $4, answered_at = $5, rev = rev + 1 WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608


class RegradeRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, assignment_id: str, id: str) -> Regrade | None:
        return await self._one(ONE, id, assignment_id)

    async def lock(self, assignment_id: str, id: str) -> Regrade | None:
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id, assignment_id)

    async def listed(self, assignment_id: str, submission_ids: Collection[str] | None) -> list[Regrade]:
        """Those of these submissions, or all of the assignment, the newest first."""
        wanted = None if submission_ids is None else list(submission_ids)
        rows = await self._database.fetch(OF_ASSIGNMENT, assignment_id, wanted)
        return [msgspec.convert(dict(row), Regrade) for row in rows]

    async def asked(self, attempt_id: str) -> list[RegradeState]:
        """The states of all that were asked for an attempt."""
        return [RegradeState(row["state"]) for row in await self._database.fetch(ASKED, attempt_id)]

    async def add(self, new: Regrade, asked_by: str) -> None:
        await self._database.fetch(
            ADD, new.id, new.assignment_id, new.submission_id, new.attempt_id, new.reason, asked_by, new.asked_at
        )

    async def answer(self, id: str, state: RegradeState, answer: str, by: str, at: datetime) -> Regrade:
        (row,) = await self._database.fetch(ANSWER, id, state, answer, by, at)
        return msgspec.convert(dict(row), Regrade)

    async def _one(self, statement: str, *arguments: object) -> Regrade | None:
        for row in await self._database.fetch(statement, *arguments):
            return msgspec.convert(dict(row), Regrade)
        return None
