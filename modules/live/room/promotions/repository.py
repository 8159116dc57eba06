"""The rows of promotions."""

from __future__ import annotations

from typing import Final, Literal

from gateway.contract import Database

Promoted = Literal["speaker", "cohost"]

ROLE: Final = "SELECT role FROM live_promotion WHERE session_id = $1 AND user_id = $2"
PROMOTE: Final = """
    INSERT INTO live_promotion (session_id, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (session_id, user_id) DO UPDATE SET role = EXCLUDED.role
"""
DEMOTE: Final = "DELETE FROM live_promotion WHERE session_id = $1 AND user_id = $2"
LACKS_CONSENT: Final = """
    SELECT recording AND NOT EXISTS (
        SELECT FROM live_consent WHERE session_id = $1 AND user_id = $2 AND agreed FOR SHARE
    ) AS lacks_consent FROM live_session WHERE id = $1
"""


class PromotionRepository:
    """Each call runs in the transaction around it, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def role(self, session: str, user: str) -> str | None:
        """The role that a host gave the user."""
        for row in await self._database.fetch(ROLE, session, user):
            return str(row["role"])
        return None

    async def promote(self, session: str, user: str, role: Promoted) -> None:
        await self._database.fetch(PROMOTE, session, user, role)

    async def demote(self, session: str, user: str) -> None:
        await self._database.fetch(DEMOTE, session, user)

    async def lacks_consent(self, session: str, user: str) -> bool:
        """Whether the session is to be recorded and the user has not agreed to it.

        The consent is held: a user who declines at this moment waits, and then finds the role.
        """
        return any(row["lacks_consent"] for row in await self._database.fetch(LACKS_CONSENT, session, user))
