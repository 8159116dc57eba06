"""What programs hold on a user, and what goes when they are deleted. What was paid stays: that is the books'."""

from __future__ import annotations

from typing import Any, Final

from modules.programs.tables import Program

# Each takes the user's id once.
HELD: Final = {
    "taught": """
        SELECT program.id, title, created_at FROM program, (SELECT {}::text AS id) AS who
        WHERE mentor_id = who.id OR co_mentors @> ARRAY[who.id] ORDER BY program.id
    """,
    "enrolments": """
        SELECT program_id, title, enrolled.state, enrolled.created_at
        FROM program_enrolment AS enrolled JOIN program ON program.id = program_id
        WHERE user_id = {} ORDER BY program_id
    """,
    "begun": "SELECT program_id, seen_at, completed_at FROM program_student WHERE user_id = {} ORDER BY program_id",
    "progress": """
        SELECT program_id, lesson_id, title, started_at, completed_at
        FROM program_progress JOIN program_lesson ON id = lesson_id WHERE user_id = {} ORDER BY started_at, lesson_id
    """,
    "payments": "SELECT payment_id, program_id, decided_at FROM program_payment WHERE user_id = {} ORDER BY decided_at",
}
GONE: Final = (
    "DELETE FROM program_progress WHERE user_id = {}",
    "DELETE FROM program_student WHERE user_id = {}",
)


async def held(user: str) -> dict[str, Any]:
    found = {what: await Program.raw(statement, user) for what, statement in HELD.items()}
    return {what: rows for what, rows in found.items() if rows}


async def forget(user: str) -> None:
    """What they have learned; their places are given back by `Enrolments.forget`."""
    for statement in GONE:
        await Program.raw(statement, user)
