"""Who is more than a viewer by a host's word, as commands of the room make them so."""

from __future__ import annotations

from typing import Final

from gateway.errors import Conflict
from modules.live.access.removal import ROLE_CHANGED
from modules.live.access.stage_tokens import off_stage, onto_stage
from modules.live.room.parts import RoomParts
from modules.live.rooms import session_room, staff_room

ROLE: Final = "SELECT role FROM live_promotion WHERE session_id = $1 AND user_id = $2"
PROMOTE: Final = """
    INSERT INTO live_promotion (session_id, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (session_id, user_id) DO UPDATE SET role = EXCLUDED.role
"""
# The answer is held: who declines at this moment waits, and then finds the role.
UNASKED: Final = """
    SELECT recording AND NOT EXISTS (
        SELECT FROM live_consent WHERE session_id = $1 AND user_id = $2 AND agreed FOR SHARE
    ) AS unasked FROM live_session WHERE id = $1
"""
DEMOTE: Final = "DELETE FROM live_promotion WHERE session_id = $1 AND user_id = $2"


class Promotions:
    """Works inside of a transaction, with which the role, and the word to come back for it, commit."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts

    async def role(self, session: str, user: str) -> str:
        """What the user was made: `viewer`, `speaker` or `cohost`."""
        for row in await self._parts.fetch(ROLE, session, user):
            return str(row["role"])
        return "viewer"

    async def make(self, session: str, user: str, role: str) -> bool:
        """Whether it is another role; then their connections leave with `rejoin`, and have it when they are back.

        Raises Conflict `live.no_consent` where the session is recorded and the user has not agreed to it.
        """
        before = await self.role(session, user)
        if before == role:
            return False
        if role == "viewer":
            await self.forget(session, user)
        else:
            for row in await self._parts.fetch(UNASKED, session, user):
                if row["unasked"] and self._parts.records:
                    raise Conflict("this user has not agreed to being recorded", code="live.no_consent")
            await self._parts.fetch(PROMOTE, session, user, role)
            await onto_stage(self._parts.kernel.database, session, user)
        await self._parts.kernel.rooms.evict(session_room(session), user, ROLE_CHANGED, rejoin=True)
        if before == "cohost":
            await self._parts.kernel.rooms.evict(staff_room(session), user, ROLE_CHANGED, rejoin=True)
        return True

    async def forget(self, session: str, user: str) -> None:
        """Of somebody who is taken out anyway. They leave the stage as well."""
        await self._parts.fetch(DEMOTE, session, user)
        await off_stage(self._parts.kernel.database, session, user)
