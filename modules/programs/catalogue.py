"""Programs themselves: the catalogue, what they say, and their states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from piccolo.columns import Column
from piccolo.columns.combination import Or, WhereRaw

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from gateway.protocol.names import is_user_id
from modules.programs.access import locked, visible
from modules.programs.enrolments import Enrolments
from modules.programs.events import PartLost, ProgramArchived, ProgramPublished
from modules.programs.facade import Part, part_of
from modules.programs.messages import NewProgram, ProgramChange, ProgramView
from modules.programs.states import ProgramState, Step, after
from modules.programs.tables import Program

NEWEST: Final = Sort("newest", (Program.created_at, Program.id), descending=True)


class Catalogue:
    """The programs there are."""

    def __init__(self, kernel: Kernel, enrolments: Enrolments) -> None:
        self._kernel = kernel
        self._enrolments = enrolments

    async def published(self, span: Span, q: str | None, free: bool | None, mentor: str | None) -> Page[ProgramView]:
        """Those in the catalogue, newest first; `q` is a web search of title and summary."""
        query = Program.select().where(Program.state == ProgramState.PUBLISHED.value)
        if q is not None:
            query = query.where(WhereRaw("search @@ websearch_to_tsquery('english', {})", q.replace("\0", " ")))
        if free is not None:
            query = query.where(Program.price == 0 if free else Program.price > 0)
        if mentor is not None:
            query = query.where(Program.mentor_id == mentor.replace("\0", " "))
        with self._kernel.database.guard():
            return await page_of(query, NEWEST, span, ProgramView)

    async def own(self, principal: Principal, span: Span) -> Page[ProgramView]:
        """Those that the user teaches, in every state; all there are for an admin."""
        query = Program.select()
        if principal.role is not Role.ADMIN:
            co_mentor = WhereRaw("co_mentors @> ARRAY[{}]::text[]", principal.id)
            query = query.where(Or(Program.mentor_id == principal.id, co_mentor))
        with self._kernel.database.guard():
            return await page_of(query, NEWEST, span, ProgramView)

    async def read(self, principal: Principal, id: str) -> ProgramView:
        with self._kernel.database.guard():
            return await visible(self._kernel.database, principal, id)

    async def role(self, principal: Principal, id: str) -> str:
        """The user's role in the program's room; raises BadInput `not_found` and Refused `forbidden`."""
        with self._kernel.database.guard():
            if principal.role is Role.ADMIN:
                if not await Program.raw("SELECT FROM program WHERE id = {}", id):
                    raise not_found("there is no such program")
                return "mentor"
            match await part_of(self._kernel.database, principal.id, id):
                case Part.MENTOR:
                    return "mentor"
                case Part.STUDENT:
                    return "student"
                case None:
                    await visible(self._kernel.database, principal, id)
                    raise forbidden("this room is for those enrolled in the program")

    async def create(self, principal: Principal, new: NewProgram) -> ProgramView:
        """A draft of this user's; raises BadInput `invalid` for a co-mentor who cannot be one."""
        check_co_mentors(new.co_mentors)
        program = ProgramView(
            id=new_id(),
            mentor_id=principal.id,
            state=ProgramState.DRAFT,
            rev=1,
            created_at=clock.now(),
            **msgspec.structs.asdict(new) | {"co_mentors": tuple(new.co_mentors)},
        )
        values = msgspec.structs.asdict(program) | {"co_mentors": list(program.co_mentors)}
        with self._kernel.database.guard():
            await Program.insert(Program(**values, open_to_all=False))
        return program

    async def change(self, principal: Principal, id: str, change: ProgramChange, if_match: IfMatch) -> ProgramView:
        """Raises `programs.over_capacity` for fewer places than are taken; more places go to those who wait."""
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        check_co_mentors(values.get("co_mentors", ()))
        async with self._kernel.database.transaction():
            program = await locked(self._kernel.database, principal, id)
            if_match.check(program.rev)
            before = program.co_mentors
            program = await self._write(program, values)
            for user in before:
                if user not in program.co_mentors:
                    await self._kernel.events.publish(PartLost(id, user, "mentor"))
            await self._enrolments.fill(program.id, program.capacity)
        return program

    async def step(self, principal: Principal, id: str, step: Step, if_match: IfMatch) -> ProgramView:
        """Publish or archive; raises Conflict `programs.bad_transition`."""
        async with self._kernel.database.transaction():
            program = await locked(self._kernel.database, principal, id)
            if_match.check(program.rev)
            program = await self._write(program, {"state": after(program.state, step).value})
            event = ProgramPublished(id) if step is Step.PUBLISH else ProgramArchived(id)
            await self._kernel.events.publish(event)
        return program

    async def _write(self, program: ProgramView, changed: dict[str, Any]) -> ProgramView:
        values: dict[str, Any] = {**changed, "rev": program.rev + 1}
        if "co_mentors" in values:
            values["co_mentors"] = list(values["co_mentors"])
        columns: dict[Column | str, Any] = dict(values.items())
        await Program.update(columns).where(Program.id == program.id)
        program = msgspec.convert({**msgspec.structs.asdict(program), **values}, ProgramView)
        await self._kernel.rooms.publish_row(f"program:{program.id}", "programs.program", program)
        return program


def check_co_mentors(users: Iterable[str]) -> None:
    """Raises BadInput `invalid` for what is no user's id."""
    for user in users:
        if not is_user_id(user):
            raise invalid("one of the co-mentors is no id of a user")
