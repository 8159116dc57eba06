"""What programs holds on a user, and what goes when they are deleted. Payments stay, because the books need them."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database

# Each takes the user's id.
HELD: Final = {
    "taught": """
        SELECT id, title, created_at FROM program WHERE mentor_id = $1 OR co_mentors @> ARRAY[$1]::text[] ORDER BY id
    """,
    "enrolments": """
        SELECT program_id, title, enrolled.state, enrolled.created_at
        FROM program_enrolment AS enrolled JOIN program ON program.id = program_id
        WHERE user_id = $1 ORDER BY program_id
    """,
    "begun": "SELECT program_id, seen_at, completed_at FROM program_student WHERE user_id = $1 ORDER BY program_id",
    "progress": """
        SELECT program_id, lesson_id, title, started_at, completed_at
        FROM program_progress JOIN program_lesson ON id = lesson_id WHERE user_id = $1 ORDER BY started_at, lesson_id
    """,
    "bans": "SELECT program_id, until FROM program_ban WHERE user_id = $1 ORDER BY program_id",
    "payments": "SELECT payment_id, program_id, decided_at FROM program_payment WHERE user_id = $1 ORDER BY decided_at",
}
FORGET: Final = (
    "DELETE FROM program_progress WHERE user_id = $1",
    "DELETE FROM program_student WHERE user_id = $1",
)


class PersonalDataRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        found = {what: await self._database.fetch(statement, user) for what, statement in HELD.items()}
        return {what: [dict(row) for row in rows] for what, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        """Delete what the user has learned; `Enrolments.forget` gives their places back."""
        for statement in FORGET:
            await self._database.fetch(statement, user)
