"""The rows of members who are away."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.room.repository import with_revision


class AwayRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str


LEAVE: Final = """
    INSERT INTO live_away (session_id, user_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
RETURN: Final = "DELETE FROM live_away WHERE session_id = $1 AND user_id = $2 RETURNING true"
FORGET: Final = "DELETE FROM live_away WHERE session_id = $1"
AWAY: Final = """
    SELECT part.rev, away.user_id, away.name FROM live_part AS part
    LEFT JOIN live_away AS away ON away.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'away' ORDER BY away.user_id
"""


class AwayRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def leave(self, session: str, user: str, name: str) -> bool:
        """False when the user was away before."""
        return bool(await self._database.fetch(LEAVE, session, user, name))

    async def come_back(self, session: str, user: str) -> bool:
        """False when the user was not away."""
        return bool(await self._database.fetch(RETURN, session, user))

    async def forget(self, session: str) -> None:
        await self._database.fetch(FORGET, session)

    async def away(self, session: str) -> tuple[int, list[AwayRow]]:
        """The part's revision, and who is away, by id."""
        return with_revision(await self._database.fetch(AWAY, session), AwayRow, "user_id")
