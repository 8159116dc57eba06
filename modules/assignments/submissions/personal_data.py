"""What submissions hold on a user, and what goes when they are deleted.

What a student wrote alone goes: the draft, the content of the attempts, and their files. That there was an attempt
stays, with its stamps, hash and grade: the statistics of a class do not change. What a group wrote stays, because it is
the work of others too; of the user it names the id alone.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database, Kernel
from modules.assignments.submissions.drafts import draft_holder
from modules.assignments.submissions.turn_in import attempt_holder
from modules.files import facade as files

# Each takes the user's id.
HELD: Final = {
    "drafts": """
        SELECT assignment_id, draft_text AS text, draft_link AS link, draft_answers::text AS answers,
            draft_saved_at AS saved_at
        FROM assignments_submission WHERE (user_id = $1 OR draft_saved_by = $1) AND draft_rev > 0 ORDER BY assignment_id
    """,
    "attempts": """
        SELECT id, assignment_id, number, text, link, answers::text AS answers, files::text AS files, turned_in_at,
            reclaimed_at
        FROM assignments_attempt WHERE members @> ARRAY[$1] ORDER BY turned_in_at, id
    """,
}
ALONE: Final = """
    SELECT submission.id, ARRAY(
        SELECT id FROM assignments_attempt AS attempt WHERE attempt.submission_id = submission.id
    ) AS attempts
    FROM assignments_submission AS submission WHERE user_id = $1 ORDER BY submission.id
"""
FORGET_DRAFTS: Final = """
    UPDATE assignments_submission
    SET draft_text = '', draft_link = '', draft_answers = '{}', draft_rev = draft_rev + 1
    WHERE id = ANY($1) AND (draft_text <> '' OR draft_link <> '' OR draft_answers <> '{}')
"""
FORGET_ATTEMPTS: Final = """
    UPDATE assignments_attempt SET text = '', link = '', answers = '{}', auto_results = NULL, files = '[]'
    WHERE submission_id = ANY($1)
"""


class SubmissionPersonalData:
    """Each call runs in the transaction around it, and raises Unavailable without PostgreSQL."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._database: Database = kernel.database

    async def export(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        found = {what: await self._database.fetch(statement, user) for what, statement in HELD.items()}
        return {what: [dict(row) for row in rows] for what, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        rows = await self._database.fetch(ALONE, user)
        if not rows:
            return
        ids = [row["id"] for row in rows]
        holders = [draft_holder(id) for id in ids]
        holders += [attempt_holder(attempt) for row in rows for attempt in row["attempts"]]
        await files.of(self._kernel).detach(holders)
        await self._database.fetch(FORGET_DRAFTS, ids)
        await self._database.fetch(FORGET_ATTEMPTS, ids)
