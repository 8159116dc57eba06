"""Who may enter a live session's rooms, and with which role."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cachetools import LRUCache

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from modules.live import errors
from modules.live.access.capacity import SeatAllocator
from modules.live.access.mentor_names import MentorNames
from modules.live.access.repository import AccessRepository, AdmissionFacts, SessionHosts
from modules.live.settings import LiveSettings
from modules.live.states import SessionState
from modules.programs.facade import Part

# Least first. Hosts make viewers speakers or co-hosts (`room/promotions/`).
ROLES: Final = ("viewer", "speaker", "cohost", "host")


# Most sessions whose hosts a gateway remembers.
SESSIONS: Final = 10_000


class SessionAuthorizer:
    """Says which role a user has in a session's rooms. The kernel itself refuses users whom `rooms.evict` keeps out."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._rows = AccessRepository(kernel.database)
        self._room_kept = timedelta(seconds=settings.room_kept)
        self._seat_allocator = SeatAllocator(kernel, settings)
        self._mentor_names = MentorNames(kernel.database, settings)
        self._hosts: LRUCache[str, SessionHosts] = LRUCache(SESSIONS)

    async def check_may_see(self, principal: Principal, session_id: str) -> None:
        """Check that the user may know what happened in the session: they take part in it, and are not banned.

        The session's state and capacity do not matter. Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        self._is_host(principal, await self.facts(principal, session_id))

    async def role(self, principal: Principal, session_id: str) -> str:
        """The user's role in the session's room. In a session with a capacity, a user who is no host takes a seat.

        The session's mentors, its program's mentors and admins are hosts, at any time. Others are viewers while the
        room is open, or have the role that a host gave them.

        Raises BadInput `not_found`, Refused `forbidden`, Unavailable, and Conflict `live.not_open`, `live.over`,
        `live.cancelled`, `live.name`, `live.lobby` or `live.full`.
        """
        return (await self.admit(principal, session_id))[0]

    async def admit(self, principal: Principal, session_id: str) -> tuple[str, AdmissionFacts]:
        """The role, as `role` says it, and what the session shows the user."""
        named_apart = await self._hosts_named_apart(principal, session_id)
        if named_apart is None:
            session = await self.facts(principal, session_id)
        else:
            session = _found(await self._seat_allocator.admit_student(session_id, principal.id))
        self._hosts[session_id] = session.hosts
        if self._is_host(principal, session):
            return "host", session
        self._check_open(session)
        if session.hosts != named_apart:
            await self._mentor_names.check(principal, session.hosts)
        if session.waits and session.promoted is None:
            raise errors.lobby()
        if session.capacity is not None:
            await self._seat_allocator.take(session_id, principal.id, session)
        return session.promoted or "viewer", session

    async def lobby_role(self, principal: Principal, session_id: str) -> str:
        """The role in the session's lobby: everybody may wait there who may join the session once they are admitted."""
        session = await self.facts(principal, session_id)
        is_host = self._is_host(principal, session)
        self._check_open(session)
        if not is_host:
            await self._mentor_names.check(principal, session.hosts)
        return "guest"

    async def staff_role(self, principal: Principal, session_id: str) -> str:
        """The role in the session's staff room, which is for its hosts and co-hosts."""
        session = await self.facts(principal, session_id)
        if self._is_host(principal, session) or session.promoted == "cohost":
            return "host"
        raise forbidden("this room is for the session's mentors")

    async def facts(self, principal: Principal, session_id: str) -> AdmissionFacts:
        """What is known of the user and the session. Raises BadInput `not_found` or Unavailable."""
        return _found(await self._rows.admission_facts(principal.id, session_id))

    async def _hosts_named_apart(self, principal: Principal, session_id: str) -> SessionHosts | None:
        """The session's hosts as last seen, when the user is a student whose name looks like none of theirs.

        Such a student may take a seat in the statement that reads what decides about them.
        """
        hosts = self._hosts.get(session_id)
        if hosts is None or principal.role is not Role.STUDENT:
            return None
        return None if await self._mentor_names.like_a_host(principal, hosts) else hosts

    def _is_host(self, principal: Principal, session: AdmissionFacts) -> bool:
        """Whether the user is a host. Raises Refused `forbidden` when they may not know of the session at all."""
        named = principal.role.may_teach and principal.id in (session.mentor_id, *session.co_mentors)
        if named or principal.role is Role.ADMIN:
            return True
        part = session.part(principal.role)
        if session.banned and part is not Part.MENTOR:
            raise forbidden("you are kept out of this session")
        if part is None and session.visibility != "open":
            raise forbidden("this session is for those enrolled in its program")
        return part is Part.MENTOR

    def _check_open(self, session: AdmissionFacts) -> None:
        match session.state:
            case SessionState.SCHEDULED:
                raise errors.not_open()
            case SessionState.CANCELLED:
                raise errors.cancelled()
            case SessionState.ENDED:
                if session.ended_at is None or clock.now() >= session.ended_at + self._room_kept:
                    raise errors.over()


def _found(facts: AdmissionFacts | None) -> AdmissionFacts:
    if facts is None:
        raise not_found("there is no such session")
    return facts
