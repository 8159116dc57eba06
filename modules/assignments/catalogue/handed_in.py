"""What was handed in and graded, as far as the catalogue must know: it reads the tables of the packages above it.

Work is begun once a student saves a draft, turned in once there is an attempt that was not reclaimed, and graded once a
marker or a key has given points.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.states import SubmissionState

PROGRESS: Final = """
    SELECT EXISTS (SELECT FROM assignments_submission WHERE assignment_id = $1 AND draft_rev > 0) AS begun,
        EXISTS (SELECT FROM assignments_attempt WHERE assignment_id = $1) AS answered,
        EXISTS (SELECT FROM assignments_attempt WHERE assignment_id = $1 AND reclaimed_at IS NULL) AS turned_in,
        EXISTS (SELECT FROM assignments_grade WHERE assignment_id = $1) AS graded
"""
# A student has the work of the group that they are in now, and what was turned in while they were in another.
OWN: Final = """
    SELECT DISTINCT ON (submission.assignment_id) submission.assignment_id, submission.state,
        submission.attempts AS attempts_used, attempt.turned_in_at
    FROM assignments_submission AS submission
    LEFT JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id
    WHERE submission.assignment_id = ANY($1) AND submission.draft_rev > 0 AND (
        submission.user_id = $2 OR attempt.members @> ARRAY[$2]::text[] OR submission.group_id IN (
            SELECT group_id FROM assignments_group_member WHERE user_id = $2 AND left_at IS NULL
        )
    )
    ORDER BY submission.assignment_id, attempt.turned_in_at DESC NULLS LAST
"""
TURNED_IN_BY: Final = """
    SELECT user_id FROM (
        SELECT unnest(attempt.members) AS user_id
        FROM assignments_submission AS submission JOIN assignments_attempt AS attempt ON attempt.id = attempt_id
        WHERE submission.assignment_id = $1
        UNION SELECT member.user_id FROM assignments_submission AS submission
        JOIN assignments_group_member AS member ON member.group_id = submission.group_id AND member.left_at IS NULL
        WHERE submission.assignment_id = $1 AND submission.attempt_id IS NOT NULL
    ) AS done
"""
BEGUN_BY: Final = "SELECT user_id FROM assignments_submission WHERE assignment_id = $1 AND user_id IS NOT NULL"


class Progress(msgspec.Struct, frozen=True):
    """How far the work for an assignment is. `answered` counts what was reclaimed too."""

    begun: bool
    answered: bool
    turned_in: bool
    graded: bool


class OwnWork(msgspec.Struct, frozen=True):
    """How far a student is with an assignment. `attempts_used` counts those that were not reclaimed."""

    state: SubmissionState
    attempts_used: int
    turned_in_at: datetime | None


class HandedIn:
    """Each call is one query, in the transaction around it if there is one, and raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def progress(self, assignment_id: str) -> Progress:
        """Under a lock of the assignment's row it stays so until the transaction ends."""
        (row,) = await self._database.fetch(PROGRESS, assignment_id)
        return msgspec.convert(row, Progress)

    async def own(self, assignment_ids: Collection[str], user_id: str) -> dict[str, OwnWork]:
        """What a student has begun or turned in, by assignment."""
        rows = await self._database.fetch(OWN, list(assignment_ids), user_id)
        return {
            row["assignment_id"]: OwnWork(SubmissionState(row["state"]), row["attempts_used"], row["turned_in_at"])
            for row in rows
        }

    async def turned_in_by(self, assignment_id: str) -> set[str]:
        """The students who have turned in, by themselves or with a group."""
        return {row["user_id"] for row in await self._database.fetch(TURNED_IN_BY, assignment_id)}

    async def begun_by(self, assignment_id: str) -> set[str]:
        """The students who have begun work of their own."""
        return {row["user_id"] for row in await self._database.fetch(BEGUN_BY, assignment_id)}
