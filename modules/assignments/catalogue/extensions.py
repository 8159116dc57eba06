"""Extensions: dates and attempts of one student for one assignment. Each is audited, and tells the student."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, Code, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from modules.accounts.facade import record
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.date_messages import check_zones, resolved
from modules.assignments.catalogue.grant_messages import ExtensionView, NewExtension
from modules.assignments.catalogue.grant_repository import GrantRepository
from modules.assignments.catalogue.own_dates import OwnDatesPushes
from modules.assignments.dates.wall_time import WallTime
from modules.assignments.events import ExtensionGranted
from modules.assignments.records import Assignment
from modules.programs.facade import Part, parts_of


class Extensions:
    """For those who teach the program; each call raises Refused `forbidden`, BadInput `not_found`, and Unavailable."""

    def __init__(self, kernel: Kernel, access: AssignmentAccess, own_dates: OwnDatesPushes) -> None:
        self._kernel = kernel
        self._access = access
        self._own_dates = own_dates
        self._grants = GrantRepository(kernel.database)

    async def listed(self, principal: Principal, assignment_id: str) -> Sequence[ExtensionView]:
        """All extensions of an assignment, by user."""
        await self._access.teaching(principal, assignment_id)
        return await self._grants.extensions(assignment_id)

    async def grant(
        self, principal: Principal, assignment_id: str, user_id: str, new: NewExtension, if_match: IfMatch
    ) -> ExtensionView:
        """Grant an extension, or another one in place of it; revision 0 means that there is none yet.

        Raises BadInput `invalid` for dates that grant nothing or are in another order, and `precondition_failed`.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        await check_zones((("due", new.due), ("closes", new.closes)))
        due, closes = resolved(new.due, "due"), resolved(new.closes, "closes")
        async with self._kernel.database.transaction():
            assignment = await self._access.share_teaching(principal, assignment_id)
            _check_dates(assignment, due, closes, new.extra_attempts)
            await check_student(self._kernel, user_id, assignment.program_id)
            before = await self._grants.lock_extension(assignment_id, user_id)
            rev = 0 if before is None else before.rev
            if_match.check(rev)
            reached = await self._own_dates.reached(assignment, user_id)
            terms = await self._own_dates.terms([assignment], reached)
            extension = await self._grants.write_extension(
                assignment_id,
                user_id,
                due,
                closes,
                new.extra_attempts,
                new.reason,
                principal.id,
                clock.now(),
                before=rev,
            )
            if extension is None:
                raise written_meanwhile()
            details = {"user": user_id, "due": _text(due), "closes": _text(closes), "attempts": new.extra_attempts}
            await record(self._kernel.database, principal, "assignments.extend", assignment_id, details)
            await self._own_dates.changed([assignment], reached, terms)
            if assignment.published:
                event = ExtensionGranted(assignment_id, assignment.program_id, user_id, _text(due))
                await self._kernel.events.publish(event)
        return extension

    async def revoke(self, principal: Principal, assignment_id: str, user_id: str, if_match: IfMatch) -> None:
        """Take an extension back: what the student turned in by it may be late then.

        Raises BadInput `precondition_failed`.
        """
        async with self._kernel.database.transaction():
            assignment = await self._access.share_teaching(principal, assignment_id)
            before = await self._grants.lock_extension(assignment_id, user_id)
            if before is None:
                raise not_found("the student has no extension")
            if_match.check(before.rev)
            reached = await self._own_dates.reached(assignment, user_id)
            terms = await self._own_dates.terms([assignment], reached)
            await self._grants.delete_extension(assignment_id, user_id)
            await record(self._kernel.database, principal, "assignments.unextend", assignment_id, {"user": user_id})
            await self._own_dates.changed([assignment], reached, terms)


async def check_student(kernel: Kernel, user_id: str, program_id: str) -> None:
    """Raises BadInput `not_found` for a user who is no student of the program."""
    if (await parts_of(kernel.database, [user_id], program_id)).get(user_id) is not Part.STUDENT:
        raise not_found("there is no such student in the program")


def written_meanwhile() -> BadInput:
    return BadInput(Code.PRECONDITION_FAILED, "it has changed since; read it again")


def _check_dates(assignment: Assignment, due: WallTime | None, closes: WallTime | None, attempts: int) -> None:
    if due is None and closes is None and not attempts:
        raise invalid("an extension grants a date or an attempt", field="due")
    for field, date, base in (("due", due, assignment.due), ("closes", closes, assignment.closes)):
        if date is not None and (base is None or date.moment() < base.moment()):
            raise invalid("an extension is not before the assignment's own date", field=field)
    if due is not None and closes is not None and closes.moment() < due.moment():
        raise invalid("it is due first, and closes then", field="closes")


def _text(date: WallTime | None) -> str:
    return "" if date is None else date.moment().isoformat()
