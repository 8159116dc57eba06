"""Making a viewer more than that, in one session, and a viewer again."""

from __future__ import annotations

from typing import Final

from gateway.module import Kernel
from modules.live.tables import Promotion

PROMOTE: Final = """
    INSERT INTO live_promotion (session_id, user_id, role) VALUES ({}, {}, {})
    ON CONFLICT (session_id, user_id) DO UPDATE SET role = EXCLUDED.role
"""
DEMOTE: Final = "DELETE FROM live_promotion WHERE session_id = {} AND user_id = {}"
# What a member's connections are told with `left`: they join again, and are granted what they are now.
CODE: Final = "live.role"


class Promotions:
    """Who is a speaker or a co-host by a host's word."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def promote(self, session_id: str, user_id: str, role: str | None) -> None:
        """Make a user `speaker` or `cohost` of an existing session, or with None a viewer again.

        Their connections leave the room with `rejoin` and get the new role as they come back. Not inside of a
        transaction: whoever comes back must see it. Raises BadInput for a bad user id, and Unavailable.
        """
        with self._kernel.database.guard():
            if role is None:
                await Promotion.raw(DEMOTE, session_id, user_id)
            else:
                await Promotion.raw(PROMOTE, session_id, user_id, role)
        for room in ("session", "staff"):
            await self._kernel.rooms.evict(f"{room}:{session_id}", user_id, CODE, rejoin=True)
