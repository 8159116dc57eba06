"""Assignments as their readers see them: mentors what they wrote, students what is published and holds for them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import clock
from gateway.contract import Kernel
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.accounts.facade import names_of
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.group_repository import GroupRepository
from modules.assignments.catalogue.handed_in import HandedIn
from modules.assignments.catalogue.materials import Materials
from modules.assignments.catalogue.messages import GroupMember, GroupView, ListedAssignment, WholeAssignment, Yours
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.catalogue.views import fields_of, yours_of
from modules.assignments.records import Assignment


class AssignmentReading:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(self, kernel: Kernel, access: AssignmentAccess, materials: Materials) -> None:
        self._database = kernel.database
        self._access = access
        self._materials = materials
        self._assignments = AssignmentRepository(kernel.database)
        self._dates = EffectiveDateReader(kernel.database)
        self._groups = GroupRepository(kernel.database)
        self._handed_in = HandedIn(kernel.database)

    async def read(self, principal: Principal, id: str) -> WholeAssignment:
        seen = await self._access.seen(principal, id)
        if seen.teaches:
            return await self.for_mentors(seen.assignment)
        assignment = seen.assignment
        yours = (await self._yours([assignment], principal.id))[assignment.id]
        opened = yours.opens is None or clock.now() >= yours.opens.moment
        return WholeAssignment(
            **fields_of(assignment),
            open=opened,
            instructions=assignment.instructions if opened else "",
            files=await self._materials.of(assignment.id) if opened else (),
            yours=yours,
            group=await self._group(assignment, principal.id),
        )

    async def for_mentors(self, assignment: Assignment) -> WholeAssignment:
        """All of it, for those who teach it."""
        return WholeAssignment(
            **fields_of(assignment),
            open=True,
            instructions=assignment.instructions,
            files=await self._materials.of(assignment.id),
        )

    async def listed(
        self, principal: Principal, program_id: str, lesson_id: str | None, span: Span
    ) -> Page[ListedAssignment]:
        """Those of a program, or of one of its lessons, newest first."""
        teaches = await self._access.in_program(principal, program_id)
        page = await self._assignments.listed(program_id, span, lesson_id=lesson_id, drafts=teaches)
        yours = {} if teaches else await self._yours(page.items, principal.id)
        return Page([ListedAssignment(**fields_of(one), yours=yours.get(one.id)) for one in page.items], page.next)

    async def _group(self, assignment: Assignment, user_id: str) -> GroupView | None:
        found = None if assignment.group_set_id is None else await self._groups.own(assignment.group_set_id, user_id)
        if found is None:
            return None
        names = await names_of(self._database, found.members)
        return GroupView(found.id, found.name, tuple(GroupMember(one, names.get(one, one)) for one in found.members))

    async def _yours(self, assignments: Sequence[Assignment], user_id: str) -> dict[str, Yours]:
        """What holds for the student, by assignment."""
        terms = await self._dates.of_all(assignments, [user_id])
        work = await self._handed_in.own([one.id for one in assignments], user_id)
        return {one.id: yours_of(terms[one.id, user_id], work.get(one.id)) for one in assignments}
