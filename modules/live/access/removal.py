"""Takes users who have lost a right out of sessions: their part in a program, their role, the platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from modules.accounts.events import RoleChanged, UserBlocked
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.access.repository import AccessRepository
from modules.live.access.stage_tokens import withdraw_stage_tokens
from modules.live.events import ViewerRemoved
from modules.live.rooms import session_room, staff_room
from modules.live.settings import LiveSettings
from modules.programs.events import PartLost

# Codes of the push `left`.
PART_LOST: Final = "live.part_lost"
# The member's connections join again, with the new role.
ROLE_CHANGED: Final = "live.role"


class FormerParticipants:
    """Evicts users who have lost their part in a program, and takes those who lost more off all stages."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        self._rows = AccessRepository(kernel.database)
        self._participants = ParticipantRepository(kernel.database)
        self._kept = timedelta(seconds=settings.room_kept)

    @listener(PartLost, "live.leave")
    async def evict(self, lost: PartLost, delivery: Delivery) -> None:
        """Evict the user from the rooms on every node, and end their playback and their part on the stage.

        Older grants do not count any more. A user who has another right to a session may join it again.
        """
        since = clock.now() - self._kept
        sessions = {*await self._rows.demote_in_program(lost.program_id, lost.user_id)}
        mentor = lost.part == "mentor"
        sessions |= {*await self._rows.open_sessions(lost.program_id, ended_after=since, scheduled=mentor)}
        for session in sorted(sessions):
            await withdraw_stage_tokens(self._kernel.database, session, lost.user_id)
            await self._kernel.events.publish(ViewerRemoved(session, lost.user_id))
            for room in (session_room(session), staff_room(session)):
                await self._kernel.rooms.evict(room, lost.user_id, PART_LOST, rejoin=True)

    @listener(RoleChanged, "live.role_changed")
    async def take_off_stages(self, changed: RoleChanged, delivery: Delivery) -> None:
        """Take a user who teaches no more off every stage. Their sockets are closed: a new role revokes all tokens."""
        if not changed.role.may_teach:
            await self._participants.withdraw_everywhere(changed.user_id)

    @listener(UserBlocked, "live.user_blocked")
    async def take_blocked_off_stages(self, blocked: UserBlocked, delivery: Delivery) -> None:
        await self._participants.withdraw_everywhere(blocked.user_id)
