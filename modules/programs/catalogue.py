"""Programs themselves: the catalogue, what they say, and their states."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal, Role
from gateway.protocol.names import is_user_id
from modules.accounts.facade import check_known
from modules.programs.access import ProgramAccess
from modules.programs.enrolment_repository import LockedProgram
from modules.programs.enrolments import Enrolments
from modules.programs.events import PartLost, ProgramArchived, ProgramPublished
from modules.programs.facade import program_room
from modules.programs.messages import PROGRAM, NewProgram, ProgramChange, ProgramView
from modules.programs.repository import ProgramRepository
from modules.programs.states import ProgramState, ProgramStep, next_state


class Catalogue:
    """Reads, writes and publishes programs. Each call raises Unavailable."""

    pushes = (PROGRAM,)

    def __init__(
        self, kernel: Kernel, programs: ProgramRepository, access: ProgramAccess, enrolments: Enrolments
    ) -> None:
        self._kernel = kernel
        self._programs = programs
        self._access = access
        self._enrolments = enrolments

    async def published(self, span: Span, q: str | None, free: bool | None, mentor: str | None) -> Page[ProgramView]:
        """Those in the catalogue, newest first; `q` is a web search of title and summary."""
        return await self._programs.published(span, q, free, mentor)

    async def own(self, principal: Principal, span: Span) -> Page[ProgramView]:
        """Those that the user teaches, in every state; for an admin all there are."""
        return await self._programs.taught_by(None if principal.role is Role.ADMIN else principal.id, span)

    async def read(self, principal: Principal, id: str) -> ProgramView:
        """Raises BadInput `not_found`, also for another mentor's draft."""
        return await self._access.visible(principal, id)

    async def create(self, principal: Principal, new: NewProgram) -> ProgramView:
        """Write a draft of this user's.

        Raises BadInput `invalid` for a co-mentor who cannot be one, and what filters raise.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        check_co_mentors(new.co_mentors)
        await check_known(self._kernel.database, new.co_mentors, "co_mentors")
        program = ProgramView(
            id=new_id(),
            mentor_id=principal.id,
            state=ProgramState.DRAFT,
            rev=1,
            created_at=clock.now(),
            **msgspec.structs.asdict(new) | {"co_mentors": tuple(new.co_mentors)},
        )
        await self._programs.insert(program)
        return program

    async def change(self, principal: Principal, id: str, change: ProgramChange, if_match: IfMatch) -> ProgramView:
        """Change a program; more places, and those of one that is free again, go to those who wait.

        Raises BadInput `not_found`, `precondition_failed` or `invalid`, Refused `forbidden`, what filters raise, and
        Conflict `programs.over_capacity` for fewer places than are taken.
        """
        await self._kernel.filters.check(change, Author.of(principal))
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        if "co_mentors" in values:
            check_co_mentors(values["co_mentors"])
            values["co_mentors"] = tuple(values["co_mentors"])
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            added = {*values.get("co_mentors", ())} - {*before.co_mentors}
            await check_known(self._kernel.database, added, "co_mentors")
            program = await self._write(msgspec.structs.replace(before, **values))
            for user in before.co_mentors:
                if user not in program.co_mentors:
                    await self._kernel.events.publish(PartLost(id, user, "mentor"))
            await self._enrolments.fill(places_of(program))
        return program

    async def step(self, principal: Principal, id: str, step: ProgramStep, if_match: IfMatch) -> ProgramView:
        """Publish or archive.

        Raises BadInput `not_found` or `precondition_failed`, Refused `forbidden`, and Conflict
        `programs.bad_transition`.
        """
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, id)
            if_match.check(before.rev)
            program = await self._write(msgspec.structs.replace(before, state=next_state(before.state, step)))
            event = ProgramPublished(id) if step is ProgramStep.PUBLISH else ProgramArchived(id)
            await self._kernel.events.publish(event)
            # Places may have become free while it was archived.
            await self._enrolments.fill(places_of(program))
        return program

    async def _write(self, changed: ProgramView) -> ProgramView:
        program = msgspec.structs.replace(changed, rev=changed.rev + 1)
        await self._programs.update(program)
        await self._kernel.rooms.publish_row(program_room(program.id), PROGRAM, program)
        return program


def places_of(program: ProgramView) -> LockedProgram:
    """What decides about the places of a program whose row is locked."""
    return LockedProgram(program.id, program.state, program.price, program.capacity)


def check_co_mentors(users: Iterable[str]) -> None:
    """Raises BadInput `invalid` for what is no user's id."""
    for user in users:
        if not is_user_id(user):
            raise invalid("one of the co-mentors is no id of a user", field="co_mentors")
