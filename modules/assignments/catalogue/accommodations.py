"""Accommodations: days and attempts that a student has more in every assignment of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid, not_found
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from modules.accounts.facade import record
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.extensions import check_student, written_meanwhile
from modules.assignments.catalogue.grant_messages import AccommodationView, NewAccommodation
from modules.assignments.catalogue.grant_repository import GrantRepository
from modules.assignments.catalogue.group_repository import GroupRepository
from modules.assignments.catalogue.own_dates import OwnDatesPushes
from modules.assignments.catalogue.repository import AssignmentRepository


class Accommodations:
    """For those who teach the program; each call raises Refused `forbidden`, BadInput `not_found`, and Unavailable."""

    def __init__(self, kernel: Kernel, access: AssignmentAccess, own_dates: OwnDatesPushes) -> None:
        self._kernel = kernel
        self._access = access
        self._own_dates = own_dates
        self._grants = GrantRepository(kernel.database)
        self._groups = GroupRepository(kernel.database)
        self._assignments = AssignmentRepository(kernel.database)

    async def listed(self, principal: Principal, program_id: str) -> Sequence[AccommodationView]:
        """All accommodations of a program, by user."""
        await self._access.teaches_program(principal, program_id)
        return await self._grants.accommodations(program_id)

    async def grant(
        self, principal: Principal, program_id: str, user_id: str, new: NewAccommodation, if_match: IfMatch
    ) -> AccommodationView:
        """Grant it, or another one in place of it; revision 0 means that there is none yet.

        Raises BadInput `invalid` for one that grants nothing, and `precondition_failed`.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        if not new.extra_days and not new.extra_attempts:
            raise invalid("an accommodation grants days or attempts", field="extra_days")
        await self._access.teaches_program(principal, program_id)
        async with self._kernel.database.transaction():
            await check_student(self._kernel, user_id, program_id)
            before = await self._grants.lock_accommodation(program_id, user_id)
            rev = 0 if before is None else before.rev
            if_match.check(rev)
            written = AccommodationView(
                program_id,
                user_id,
                new.extra_days,
                new.extra_attempts,
                new.note,
                principal.id,
                clock.now(),
                rev,
            )
            details = {"program": program_id, "days": new.extra_days, "attempts": new.extra_attempts}
            return await self._written(principal, "assignments.accommodate", written, details)

    async def revoke(self, principal: Principal, program_id: str, user_id: str, if_match: IfMatch) -> None:
        """Take it back: what the student turned in by it may be late then. Raises BadInput `precondition_failed`."""
        await self._access.teaches_program(principal, program_id)
        async with self._kernel.database.transaction():
            before = await self._grants.lock_accommodation(program_id, user_id)
            if before is None:
                raise not_found("the student has no accommodation")
            if_match.check(before.rev)
            await self._written(principal, "assignments.unaccommodate", before, {"program": program_id}, delete=True)

    async def _written(
        self,
        principal: Principal,
        act: str,
        accommodation: AccommodationView,
        details: Mapping[str, object],
        *,
        delete: bool = False,
    ) -> AccommodationView:
        """Write or delete it, with the audit, and tell those whom it reaches."""
        program, user = accommodation.program_id, accommodation.user_id
        # Nobody changes their dates until this is written.
        assignments = await self._assignments.share_of_program(program)
        reached = sorted({user, *await self._groups.all_mates(program, user)})
        terms = await self._own_dates.terms(assignments, reached)
        written: AccommodationView | None = accommodation
        if delete:
            await self._grants.delete_accommodation(program, user)
        else:
            written = await self._grants.write_accommodation(accommodation)
        if written is None:
            raise written_meanwhile()
        await record(self._kernel.database, principal, act, user, details)
        await self._own_dates.changed(assignments, reached, terms)
        return written
