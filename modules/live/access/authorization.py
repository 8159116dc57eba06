"""Who may enter a live session's rooms, and as what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from modules.live import errors
from modules.live.access.capacity import SeatAllocator
from modules.live.settings import LiveSettings
from modules.live.states import SessionState
from modules.live.tables import Session
from modules.programs.facade import Part, part_of

# Least first. A host's word makes a viewer a speaker or a co-host (`room/promotions.py`).
ROLES: Final = ("viewer", "speaker", "cohost", "host")

WHOSE: Final = """
    SELECT id, mentor_id, co_mentors, program_id, state, visibility, capacity, ended_at, (
        SELECT role FROM live_promotion WHERE session_id = live_session.id AND user_id = {}
    ) AS promoted, EXISTS (
        SELECT FROM live_ban WHERE user_id = {} AND (until IS NULL OR until > now()) AND (
            session_id = live_session.id OR (scope = 'program' AND program_id = live_session.program_id)
        )
    ) AS banned, EXISTS (
        SELECT FROM live_option WHERE session_id = live_session.id AND lobby
    ) AND NOT EXISTS (
        SELECT FROM live_guest WHERE session_id = live_session.id AND user_id = {} AND state = 'admitted'
    ) AS waits, EXISTS (
        SELECT FROM live_seat WHERE session_id = live_session.id AND user_id = {}
    ) OR EXISTS (
        SELECT FROM live_stay WHERE session_id = live_session.id AND user_id = {}
    ) AS known
    FROM live_session WHERE id = {}
"""


class SessionAuthorizer:
    """Says which role a user has in a session's rooms. The kernel itself refuses whom `rooms.evict` keeps out."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._seat_allocator = SeatAllocator(kernel, settings)

    async def check(self, principal: Principal, session_id: str) -> None:
        """That the user may know what happened in the session: has a part in it, and is not kept out.

        Whatever the session's state, and how many places it has. Raises BadInput `not_found`, Refused `forbidden` or
        Unavailable.
        """
        with self._kernel.database.guard():
            await self._hosts(principal, await self._found(principal, session_id))

    async def role(self, principal: Principal, session_id: str) -> str:
        """The user's role in the session's room, with a place in it where places are counted.

        Its mentors, its program's mentors and admins are hosts, at any time and without a place. Others are viewers
        while the room is open, or what a host made them. Raises BadInput `not_found`, Refused `forbidden`, Conflict
        `live.not_open`, `live.over`, `live.cancelled`, `live.lobby`, `live.full`, or Unavailable.
        """
        with self._kernel.database.guard():
            session = await self._found(principal, session_id)
            if await self._hosts(principal, session):
                return "host"
        self._check_open(session)
        if session["waits"] and session["promoted"] is None:
            raise errors.lobby()
        if session["capacity"] is not None:
            await self._seat_allocator.take(session_id, principal.id, known=session["known"])
        return session["promoted"] or "viewer"

    async def lobby_role(self, principal: Principal, session_id: str) -> str:
        """The same for the room where viewers wait: whoever may be in the session once they are admitted."""
        with self._kernel.database.guard():
            session = await self._found(principal, session_id)
            await self._hosts(principal, session)
        self._check_open(session)
        return "guest"

    async def staff_role(self, principal: Principal, session_id: str) -> str:
        """The same for the room of the session's mentors alone, and of the co-hosts they made."""
        with self._kernel.database.guard():
            session = await self._found(principal, session_id)
            if await self._hosts(principal, session) or session["promoted"] == "cohost":
                return "host"
        raise forbidden("this room is for the session's mentors")

    async def _found(self, principal: Principal, session_id: str) -> dict[str, Any]:
        # Asked at every join: Piccolo takes longer to write a select than PostgreSQL to answer it.
        for row in await Session.raw(WHOSE, *[principal.id] * 5, session_id):
            found: dict[str, Any] = row
            return found
        raise not_found("there is no such session")

    async def _hosts(self, principal: Principal, session: dict[str, Any]) -> bool:
        """Raises Refused for who has no part in the session at all."""
        if principal.role is Role.ADMIN or principal.id in (session["mentor_id"], *session["co_mentors"]):
            return True
        part = await part_of(self._kernel.database, principal.id, session["program_id"])
        if session["banned"] and part is not Part.MENTOR:
            raise forbidden("you are kept out of this session")
        if part is None and session["visibility"] != "open":
            raise forbidden("this session is for those enrolled in its program")
        return part is Part.MENTOR

    def _check_open(self, session: dict[str, Any]) -> None:
        match session["state"]:
            case SessionState.SCHEDULED:
                raise errors.not_open()
            case SessionState.CANCELLED:
                raise errors.cancelled()
            case SessionState.ENDED:
                if clock.now() >= session["ended_at"] + timedelta(seconds=self._settings.room_kept):
                    raise errors.over()
