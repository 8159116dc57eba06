"""Who may see an assignment, and who teaches it. Every package asks here.

The mentor and the co-mentors of its program teach it, and admins do. Students who take part in the program see it while
it is published. For everybody else there is no such assignment.
"""

from __future__ import annotations

import msgspec

from gateway.contract import Database
from gateway.errors import BadInput, forbidden, not_found
from gateway.principal import Principal, Role
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.records import Assignment
from modules.programs.facade import Part, exists, part_of


class Seen(msgspec.Struct, frozen=True):
    """An assignment that the user may see, and whether they teach it."""

    assignment: Assignment
    teaches: bool


class AssignmentAccess:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._assignments = AssignmentRepository(database)

    async def seen(self, principal: Principal, assignment_id: str) -> Seen:
        """The assignment, for those who teach it, and for students of its program while it is published."""
        return await self._checked(principal, await self._assignments.find(assignment_id))

    async def teaching(self, principal: Principal, assignment_id: str) -> Assignment:
        """The assignment, for those who teach it. Raises Refused `forbidden` for students who see it."""
        return _taught(await self.seen(principal, assignment_id))

    async def lock(self, principal: Principal, assignment_id: str) -> Assignment:
        """As `teaching`; its row is locked until the transaction ends, so nothing is handed in or graded meanwhile."""
        return _taught(await self._checked(principal, await self._assignments.lock(assignment_id)))

    async def share(self, principal: Principal, assignment_id: str) -> Seen:
        """As `seen`; nobody changes the assignment until the transaction ends. For what hands in or grades work."""
        return await self._checked(principal, await self._assignments.share(assignment_id))

    async def share_teaching(self, principal: Principal, assignment_id: str) -> Assignment:
        """As `teaching`; nobody changes the assignment until the transaction ends. For what grades work."""
        return _taught(await self.share(principal, assignment_id))

    async def in_program(self, principal: Principal, program_id: str) -> bool:
        """Whether the user teaches the program; False for its students."""
        if principal.role is Role.ADMIN:
            if not await exists(self._database, program_id):
                raise _no_program()
            return True
        match await part_of(self._database, principal, program_id):
            case Part.MENTOR:
                return True
            case Part.STUDENT:
                return False
            case None:
                raise _no_program()

    async def teaches_program(self, principal: Principal, program_id: str) -> None:
        """Check that the user teaches the program. Raises Refused `forbidden` for its students."""
        if not await self.in_program(principal, program_id):
            raise forbidden("this is for those who teach the program")

    async def _checked(self, principal: Principal, assignment: Assignment | None) -> Seen:
        if assignment is not None:
            if principal.role is Role.ADMIN:
                return Seen(assignment, True)
            part = await part_of(self._database, principal, assignment.program_id)
            if part is Part.MENTOR or (part is Part.STUDENT and assignment.published):
                return Seen(assignment, part is Part.MENTOR)
        raise not_found("there is no such assignment")


def _taught(seen: Seen) -> Assignment:
    if not seen.teaches:
        raise forbidden("this is for those who teach the program")
    return seen.assignment


def _no_program() -> BadInput:
    return not_found("there is no such program")
