"""What the catalogue holds on a user, and what goes when they are deleted.

What was granted stays, with the user's id, because lateness is derived from it, also that of a group. The reason goes.
The user leaves all groups; that they were in them says whose work it was.
"""

from __future__ import annotations

from typing import Any, Final

from gateway import clock
from gateway.contract import Database

# Each takes the user's id.
HELD: Final = {
    "assignments": """
        SELECT id, program_id, title, state, created_at FROM assignments_assignment WHERE created_by = $1 ORDER BY id
    """,
    "extensions": """
        SELECT assignment_id, due_at, closes_at, extra_attempts, reason, granted_at
        FROM assignments_extension WHERE user_id = $1 ORDER BY assignment_id
    """,
    "accommodations": """
        SELECT program_id, extra_days, extra_attempts, note, granted_at
        FROM assignments_accommodation WHERE user_id = $1 ORDER BY program_id
    """,
    "groups": """
        SELECT groups.name, member.joined_at, member.left_at FROM assignments_group_member AS member
        JOIN assignments_group AS groups ON groups.id = member.group_id
        WHERE member.user_id = $1 ORDER BY member.id
    """,
}
FORGET: Final = (
    "UPDATE assignments_extension SET reason = '' WHERE user_id = $1 AND reason <> ''",
    "UPDATE assignments_accommodation SET note = '' WHERE user_id = $1 AND note <> ''",
)
LEAVE: Final = "UPDATE assignments_group_member SET left_at = $2 WHERE user_id = $1 AND left_at IS NULL"


class CataloguePersonalData:
    """Each call runs in the transaction around it, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        found = {what: await self._database.fetch(statement, user) for what, statement in HELD.items()}
        return {what: [dict(row) for row in rows] for what, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        for statement in FORGET:
            await self._database.fetch(statement, user)
        await self._database.fetch(LEAVE, user, clock.now())
