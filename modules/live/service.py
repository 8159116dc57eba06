"""Who may join a live session, and as what."""

from __future__ import annotations

from gateway.errors import forbidden, not_found
from gateway.module import Database
from gateway.principal import Principal, Role
from modules.live.tables import Session
from modules.programs.facade import Part, part_of

# Least first.
ROLES = ("viewer", "speaker", "host")

WHOSE = "SELECT mentor_id, program_id FROM live_session WHERE id = {}"


class Sessions:
    """Live sessions and their members."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def role(self, principal: Principal, session_id: str) -> str:
        """The user's role in the session's room.

        The session's mentor, its program's mentor and admins are hosts; those who take part in the program
        are viewers. Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        with self._database.guard():
            # Asked at every join: Piccolo takes longer to write a select than PostgreSQL to answer it.
            found = await Session.raw(WHOSE, session_id)
            if not found:
                raise not_found("there is no such session")
            session = found[0]
            if principal.role is Role.ADMIN or session["mentor_id"] == principal.id:
                return "host"
            part = await part_of(principal.id, session["program_id"])
        match part:
            case Part.MENTOR:
                return "host"
            case Part.STUDENT:
                return "viewer"
            case None:
                raise forbidden("this session is for those enrolled in its program")

    async def staff_role(self, principal: Principal, session_id: str) -> str:
        """The same for the room of the session's mentors alone."""
        if await self.role(principal, session_id) != "host":
            raise forbidden("this room is for the session's mentors")
        return "host"
