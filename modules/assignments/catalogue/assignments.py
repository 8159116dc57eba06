"""Assignments themselves: who writes, publishes and reads them."""

from __future__ import annotations

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict, invalid
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.date_messages import check_zones, resolved
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.messages import (
    ASSIGNMENT,
    ListedAssignment,
    NewAssignment,
    WholeAssignment,
)
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.catalogue.views import fields_of, view_of, yours_of
from modules.assignments.dates.late_policy import LatePolicy
from modules.assignments.events import AssignmentPublished
from modules.assignments.records import Assignment, AssignmentState, Release
from modules.assignments.settings import AssignmentsSettings
from modules.programs.facade import lesson, program_room


class Assignments:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    pushes = (ASSIGNMENT,)

    def __init__(self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._assignments = AssignmentRepository(kernel.database)
        self._dates = EffectiveDateReader(kernel.database)

    async def create(self, principal: Principal, new: NewAssignment) -> WholeAssignment:
        """Write a draft. Raises Refused `forbidden`, BadInput `invalid`, and what filters raise."""
        await self._kernel.filters.check(new, Author.of(principal))
        await check_zones(
            (("opens", new.opens), ("due", new.due), ("closes", new.closes), ("release_at", new.release_at))
        )
        await self._access.teaches_program(principal, new.program_id)
        draft = Assignment(
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
            late=LatePolicy(new.late.kind, new.late.percent, new.late.floor),
            attempts=new.attempts,
            file_types=tuple(new.file_types),
            file_bytes=self._settings.file_bytes if new.file_bytes is None else new.file_bytes,
            files_most=self._settings.files_most if new.files_most is None else new.files_most,
            group_set_id=new.group_set_id,
            anonymous=new.anonymous,
            release=new.release,
            release_date=resolved(new.release_at, "release_at"),
            released_at=None,
            peer_reviews=new.peer_reviews,
            published_at=None,
            created_by=principal.id,
            created_at=clock.now(),
            told_until=None,
            reminders=0,
            rev=1,
        )
        check_order(draft)
        async with self._kernel.database.transaction():
            if draft.lesson_id is not None:
                found = await lesson(self._kernel.database, draft.lesson_id)
                if found is None or found.program_id != draft.program_id:
                    raise invalid("there is no such lesson in the program", field="lesson_id")
            await self._check_category(draft)
            await self._assignments.insert(draft)
        return await self._whole(draft, None)

    async def read(self, principal: Principal, id: str) -> WholeAssignment:
        """A whole assignment; students see what is published, with what holds for them."""
        seen = await self._access.seen(principal, id)
        return await self._whole(seen.assignment, None if seen.teaches else principal.id)

    async def listed(
        self, principal: Principal, program_id: str, lesson_id: str | None, span: Span
    ) -> Page[ListedAssignment]:
        """Those of a program, or of one of its lessons, newest first; students see what is published."""
        teaches = await self._access.in_program(principal, program_id)
        page = await self._assignments.listed(program_id, span, lesson_id=lesson_id, drafts=teaches)
        if teaches:
            return Page([ListedAssignment(**fields_of(one)) for one in page.items], page.next)
        terms = await self._dates.of_all(page.items, [principal.id])
        return Page(
            [ListedAssignment(**fields_of(one), yours=yours_of(terms[one.id, principal.id])) for one in page.items],
            page.next,
        )

    async def publish(self, principal: Principal, id: str, if_match: IfMatch) -> WholeAssignment:
        """Let students see it. Raises Refused `forbidden`, BadInput `precondition_failed`, and Conflict `conflict`."""
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            if before.published:
                raise Conflict("it is published already")
            assignment = await self._write(
                msgspec.structs.replace(before, state=AssignmentState.PUBLISHED, published_at=clock.now())
            )
            await self._kernel.rooms.publish_row(program_room(assignment.program_id), ASSIGNMENT, view_of(assignment))
            due = assignment.due
            await self._kernel.events.publish(
                AssignmentPublished(
                    assignment.id,
                    assignment.program_id,
                    assignment.title,
                    str(assignment.points),
                    "" if due is None else due.moment().isoformat(),
                )
            )
        return await self._whole(assignment, None)

    async def _check_category(self, assignment: Assignment) -> None:
        """Raises BadInput `invalid` for a category of another program; in the transaction that writes it."""
        category = assignment.category_id
        if category is not None and not await self._assignments.has_category(category, assignment.program_id):
            raise invalid("there is no such category in the program", field="category_id")

    async def _write(self, changed: Assignment) -> Assignment:
        assignment = msgspec.structs.replace(changed, rev=changed.rev + 1)
        await self._assignments.update(assignment)
        return assignment

    async def _whole(self, assignment: Assignment, student_id: str | None) -> WholeAssignment:
        """For those who teach it without a student."""
        if student_id is None:
            return WholeAssignment(**fields_of(assignment), open=True, instructions=assignment.instructions)
        terms = (await self._dates.terms(assignment, [student_id]))[student_id]
        opened = terms.dates.opened(clock.now())
        return WholeAssignment(
            **fields_of(assignment),
            open=opened,
            instructions=assignment.instructions if opened else "",
            yours=yours_of(terms),
        )


def check_order(assignment: Assignment) -> None:
    """Raises BadInput `invalid` for dates that are in another order than they are named."""
    last = None
    for field, date in (("opens", assignment.opens), ("due", assignment.due), ("closes", assignment.closes)):
        if date is not None:
            if last is not None and date.moment() < last:
                raise invalid("it opens first, is due then, and closes last", field=field)
            last = date.moment()
    if (assignment.release is Release.AT_TIME) != (assignment.release_date is not None):
        raise invalid("a release at a time needs the time, and no other has one", field="release_at")
