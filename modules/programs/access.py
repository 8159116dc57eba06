"""Who may see a program, and who may change it."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from modules.programs.facade import part_of
from modules.programs.messages import ProgramView
from modules.programs.states import ProgramState

COLUMNS: Final = "id, title, summary, mentor_id, co_mentors, state, price, currency, capacity, rev, created_at"
READ: Final = f"SELECT {COLUMNS} FROM program WHERE id = $1"  # noqa: S608


def edits(principal: Principal, program: ProgramView) -> bool:
    """Whether this user may change the program: its mentor, a co-mentor, an admin."""
    return principal.role is Role.ADMIN or (
        principal.role is Role.MENTOR and principal.id in (program.mentor_id, *program.co_mentors)
    )


async def locked(database: Database, principal: Principal, id: str) -> ProgramView:
    """The program, whose row stays locked until the transaction ends, for who may change it.

    Raises BadInput `not_found`, also for another's draft, and Refused `forbidden`.
    """
    program = await visible(database, principal, id, READ + " FOR UPDATE")
    if not edits(principal, program):
        raise forbidden("only its mentors change a program")
    return program


async def visible(database: Database, principal: Principal, id: str, statement: str = READ) -> ProgramView:
    """The program, for who may see it; raises BadInput `not_found`."""
    for row in await database.fetch(statement, id):
        program = msgspec.convert(row, ProgramView)
        if program.state == ProgramState.PUBLISHED or edits(principal, program):
            return program
        if program.state == ProgramState.ARCHIVED and await part_of(database, principal.id, id) is not None:
            return program
    raise not_found("there is no such program")
