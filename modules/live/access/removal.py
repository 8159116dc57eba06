"""Taking those who take no part in a program any more out of the rooms of its sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from modules.live.access.stage_tokens import off_stage
from modules.live.events import ViewerRemoved
from modules.live.settings import LiveSettings
from modules.live.tables import Promotion, Session
from modules.programs.events import PartLost

# Where somebody may be in a room: mentors before it opens, too. A program has any number that are long over.
OPEN: Final = """
    SELECT id FROM live_session WHERE program_id = {} AND (
        state IN ('lobby', 'live') OR (state = 'ended' AND ended_at > {}) OR (state = 'scheduled' AND {}::boolean)
    )
"""
# A host's word held for who took part.
DEMOTE: Final = """
    DELETE FROM live_promotion USING live_session WHERE session_id = id AND program_id = {} AND user_id = {}
    RETURNING session_id AS id
"""
# What the push `left` says.
LEFT: Final = "live.part_lost"
# What `left` says when the role changes: the member's connections join again, and are granted what they are now.
ROLE_CHANGED: Final = "live.role"


class FormerParticipants:
    """Takes those who have lost their part in a program out of its sessions."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        self._kept = timedelta(seconds=settings.room_kept)

    @listener(PartLost, "live.leave")
    async def evict(self, lost: PartLost, delivery: Delivery) -> None:
        """Evict the user from the rooms on every node, and take back what was handed out for their video.

        No grant of before counts. Who has a right of another kind may come back.
        """
        rows = await Promotion.raw(DEMOTE, lost.program_id, lost.user_id)
        rows += await Session.raw(OPEN, lost.program_id, clock.now() - self._kept, lost.part == "mentor")
        for id in sorted({row["id"] for row in rows}):
            await off_stage(self._kernel, id, lost.user_id)
            await self._kernel.events.publish(ViewerRemoved(id, lost.user_id))
            for kind in ("session", "staff"):
                await self._kernel.rooms.evict(f"{kind}:{id}", lost.user_id, LEFT, rejoin=True)
