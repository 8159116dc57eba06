"""Assignments as their mentors write them: drafts, publishing, changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import UNSET

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.changes import alters_totals, changed, check_unaltered, dates_in, policy_of
from modules.assignments.catalogue.checks import AssignmentChecks
from modules.assignments.catalogue.date_messages import check_zones, resolved
from modules.assignments.catalogue.date_timer import DateTimer
from modules.assignments.catalogue.handed_in import HandedIn
from modules.assignments.catalogue.materials import Materials
from modules.assignments.catalogue.messages import ASSIGNMENT, AssignmentChange, NewAssignment
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.catalogue.views import view_of
from modules.assignments.events import AssignmentPublished, AssignmentWithdrawn, TotalsChanged
from modules.assignments.records import Assignment, AssignmentState
from modules.assignments.settings import AssignmentsSettings
from modules.programs.facade import program_room

# Called in the transaction of a change, with the assignment before and after; its row is locked.
Changed = Callable[[Assignment, Assignment], Awaitable[None]]


class Assignments:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of.

    What changes one raises Refused `forbidden` for its students, and BadInput `precondition_failed`.
    """

    pushes = (ASSIGNMENT,)

    def __init__(
        self,
        kernel: Kernel,
        settings: AssignmentsSettings,
        access: AssignmentAccess,
        materials: Materials,
        timer: DateTimer,
        changed: Sequence[Changed] = (),
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._materials = materials
        self._timer = timer
        self._changed = changed
        self._assignments = AssignmentRepository(kernel.database)
        self._handed_in = HandedIn(kernel.database)
        self._checks = AssignmentChecks(kernel.database, settings)

    async def create(self, principal: Principal, new: NewAssignment) -> Assignment:
        """Write a draft.

        Raises Refused `forbidden`, BadInput `invalid` or `too_large`, Conflict `assignments.too_many`, and what filters
        and files raise.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        await check_zones(
            (("opens", new.opens), ("due", new.due), ("closes", new.closes), ("release_at", new.release_at))
        )
        await self._access.teaches_program(principal, new.program_id)
        draft = self._draft(principal, new)
        async with self._kernel.database.transaction():
            await self._checks.check(draft)
            await self._checks.check_room(draft.program_id)
            await self._assignments.insert(draft)
            if new.files:
                await self._materials.attach(principal, draft, new.files)
        return draft

    async def change(self, principal: Principal, id: str, change: AssignmentChange, if_match: IfMatch) -> Assignment:
        """Change it; students are told when it is published.

        Raises BadInput `invalid` or `too_large`, Conflict `assignments.turned_in` and `assignments.graded` for what may
        not change any more, and what filters and files raise.
        """
        await self._kernel.filters.check(change, Author.of(principal))
        await check_zones(dates_in(change))
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            after = changed(before, change)
            await self._checks.check(after, before)
            progress = await self._handed_in.progress(id)
            check_unaltered(before, after, progress)
            if after.published:
                await self._checks.check_questions(after)
            if change.files is not UNSET:
                await self._materials.attach(principal, before, change.files)
            assignment = await self.write(after)
            if alters_totals(before, assignment):
                await self._kernel.events.publish(TotalsChanged(assignment.program_id))
            for told in self._changed:
                await told(before, assignment)
            return assignment

    async def publish(self, principal: Principal, id: str, if_match: IfMatch) -> Assignment:
        """Let students see it. Raises BadInput `invalid` for questions that are missing, and Conflict `conflict`."""
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            if before.published:
                raise Conflict("it is published already")
            await self._checks.check_questions(before)
            after = msgspec.structs.replace(before, state=AssignmentState.PUBLISHED, published_at=clock.now())
            assignment = await self.write(after)
            await self._timer.begin(assignment)
            due = "" if assignment.due is None else assignment.due.moment().isoformat()
            await self._kernel.events.publish(
                AssignmentPublished(
                    assignment.id,
                    assignment.program_id,
                    assignment.title,
                    f"{assignment.points:.2f}",
                    due,
                    after.published_at,
                )
            )
        return assignment

    async def unpublish(self, principal: Principal, id: str, if_match: IfMatch) -> Assignment:
        """Take it back from students, who are told that it is a draft again.

        What they have begun stays for when it is published again. Raises Conflict `conflict`, and
        `assignments.turned_in` while something is turned in.
        """
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            if not before.published:
                raise Conflict("it is a draft already")
            if (await self._handed_in.progress(id)).turned_in:
                raise errors.turned_in("published")
            draft = msgspec.structs.replace(before, state=AssignmentState.DRAFT, published_at=None, rev=before.rev + 1)
            await self._assignments.update(draft)
            await self._timer.cancel(id)
            await self._kernel.rooms.publish_row(program_room(draft.program_id), ASSIGNMENT, view_of(draft))
            await self._kernel.events.publish(AssignmentWithdrawn(id, draft.program_id))
        return draft

    async def delete(self, principal: Principal, id: str, if_match: IfMatch) -> None:
        """Delete a draft. Raises Conflict `conflict` for what is published, and `assignments.work_begun`."""
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            if before.published:
                raise Conflict("only a draft is deleted; take it back first")
            if (await self._handed_in.progress(id)).begun:
                raise errors.work_begun()
            await self._materials.detach(id)
            await self._timer.cancel(id)
            await self._assignments.delete(id)

    async def write(self, changed: Assignment) -> Assignment:
        """Write a locked assignment with its next revision; students are told, and the timer is set, if published."""
        assignment = msgspec.structs.replace(changed, rev=changed.rev + 1)
        await self._assignments.update(assignment)
        if assignment.published:
            await self._timer.set(assignment)
            await self._kernel.rooms.publish_row(program_room(assignment.program_id), ASSIGNMENT, view_of(assignment))
        return assignment

    def _draft(self, principal: Principal, new: NewAssignment) -> Assignment:
        return Assignment(
            id=new_id(),
            program_id=new.program_id,
            lesson_id=new.lesson_id,
            title=new.title,
            instructions=new.instructions,
            state=AssignmentState.DRAFT,
            accepts=tuple(new.accepts),
            points=new.points,
            category_id=new.category_id,
            extra_credit=new.extra_credit,
            opens=resolved(new.opens, "opens"),
            due=resolved(new.due, "due"),
            closes=resolved(new.closes, "closes"),
            late=policy_of(new.late),
            attempts=new.attempts,
            file_types=tuple(new.file_types),
            file_bytes=self._settings.file_bytes if new.file_bytes is None else new.file_bytes,
            files_most=self._settings.files_most if new.files_most is None else new.files_most,
            group_set_id=new.group_set_id,
            anonymous=new.anonymous,
            release=new.release,
            release_date=resolved(new.release_at, "release_at"),
            peer_reviews=new.peer_reviews,
            published_at=None,
            created_by=principal.id,
            created_at=clock.now(),
            rev=1,
        )
