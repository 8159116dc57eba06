"""Who may join a live session, and as what."""

from __future__ import annotations

from gateway.errors import forbidden, not_found
from gateway.module import Database
from gateway.principal import Principal, Role
from modules.live.tables import Session
from modules.programs.facade import Part, part_of

# Least first.
ROLES = ("viewer", "speaker", "host")


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
            session = await Session.select().where(Session.id == session_id).first()
            if session is None:
                raise not_found("there is no such session")
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
