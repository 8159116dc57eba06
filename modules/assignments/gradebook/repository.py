"""What the grade book reads of submissions: who has turned in what. Every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.contract import Database

# A group's work is that of its members, and of those who were in it when it was turned in.
TURNED_IN: Final = """
    SELECT assignment_id, user_id FROM assignments_submission
    WHERE program_id = $1 AND attempt_id IS NOT NULL AND user_id = ANY($2)
    UNION
    SELECT submission.assignment_id, author.user_id
    FROM assignments_submission AS submission
    JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id
    CROSS JOIN LATERAL (
        SELECT unnest(attempt.members) AS user_id
        UNION
        SELECT member.user_id FROM assignments_group_member AS member
        WHERE member.group_id = submission.group_id AND member.left_at IS NULL
    ) AS author
    WHERE submission.program_id = $1 AND submission.group_id IS NOT NULL AND author.user_id = ANY($2)
"""
AUTHORS: Final = """
    SELECT DISTINCT unnest(attempt.members) AS user_id
    FROM assignments_submission AS submission
    JOIN assignments_attempt AS attempt ON attempt.id = submission.attempt_id
    WHERE submission.program_id = $1
"""


class TurnedInRepository:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def turned_in(self, program_id: str, user_ids: Sequence[str]) -> set[tuple[str, str]]:
        """What these users have turned in and not reclaimed, alone or with a group: ids of assignment and user."""
        rows = await self._database.fetch(TURNED_IN, program_id, list(user_ids))
        return {(row["assignment_id"], row["user_id"]) for row in rows}

    async def authors(self, program_id: str) -> list[str]:
        """Everybody who has turned in something in the program."""
        return [row["user_id"] for row in await self._database.fetch(AUTHORS, program_id)]
