"""Who may see a program, who may change it, and who may join its room."""

from __future__ import annotations

from gateway.contract import Database
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from modules.programs.facade import Part, exists, part_of
from modules.programs.messages import ProgramView
from modules.programs.repository import ProgramRepository
from modules.programs.states import ProgramState


def edits(principal: Principal, program: ProgramView) -> bool:
    """Whether this user may change the program: its mentor, a co-mentor, an admin."""
    return principal.role is Role.ADMIN or (
        principal.role is Role.MENTOR and principal.id in (program.mentor_id, *program.co_mentors)
    )


class ProgramAccess:
    """Each call raises Unavailable, and BadInput `not_found` for a program that the user may not know of."""

    def __init__(self, database: Database, programs: ProgramRepository) -> None:
        self._database = database
        self._programs = programs

    async def visible(self, principal: Principal, id: str) -> ProgramView:
        """The program, for a user who may see it."""
        return await self._check_visible(principal, await self._programs.find(id))

    async def lock(self, principal: Principal, id: str) -> ProgramView:
        """The program for a user who may change it; its row stays locked until the transaction ends.

        Raises Refused `forbidden` for a user who may only see it.
        """
        program = await self._check_visible(principal, await self._programs.lock(id))
        if not edits(principal, program):
            raise forbidden("only its mentors change a program")
        return program

    async def room_role(self, principal: Principal, id: str) -> str:
        """The user's role in the program's room; raises Refused `forbidden` for a user who takes no part."""
        if principal.role is Role.ADMIN:
            if not await exists(self._database, id):
                raise not_found("there is no such program")
            return "mentor"
        match await part_of(self._database, principal, id):
            case Part.MENTOR:
                return "mentor"
            case Part.STUDENT:
                return "student"
            case None:
                await self.visible(principal, id)
                raise forbidden("this room is for those enrolled in the program")

    async def _check_visible(self, principal: Principal, program: ProgramView | None) -> ProgramView:
        if program is not None:
            if program.state == ProgramState.PUBLISHED or edits(principal, program):
                return program
            if program.state == ProgramState.ARCHIVED and await self._takes_part(principal, program):
                return program
        raise not_found("there is no such program")

    async def _takes_part(self, principal: Principal, program: ProgramView) -> bool:
        return await part_of(self._database, principal, program.id) is not None
