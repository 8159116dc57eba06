"""Whose facts a caller may see. Every statement and every cache key of analytics contains one `Scope`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.errors import forbidden
from gateway.principal import Principal, Role
from modules.analytics.measures.scope_repository import subject_of
from modules.programs.facade import programs_taught

# The subject of users of whom there is no fact: nothing has it.
NOBODY: Final = UUID(int=0)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that count: of these programs (None: all) and of this subject (None: of everybody).

    `role` decides which measures may be read. With a subject it is always that of a student: somebody's own figures.
    """

    role: Role
    programs: tuple[str, ...] | None = None
    subject: UUID | None = None

    @property
    def key(self) -> str:
        """Names the scope in the keys of caches. Two callers have the same one when they may see the same facts."""
        return repr((self.role.value, self.programs, self.subject))

    @property
    def own(self) -> bool:
        """Whether it holds the facts of one user alone."""
        return self.subject is not None

    def within(self, programs: Sequence[str]) -> Scope:
        """The part of the scope that lies in these programs; none of them named: all of it.

        Raises Refused `forbidden` for a program outside of the scope.
        """
        if not programs:
            return self
        if self.programs is not None and not {*programs} <= {*self.programs}:
            raise forbidden("only for those who teach the program")
        return msgspec.structs.replace(self, programs=tuple(sorted({*programs})))


class Scopes:
    """Makes scopes of callers. Programs are read again for each request, so a mentor who is removed sees no more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, principal: Principal) -> Scope:
        """All for an admin, the programs that they teach for a mentor, their own facts for a student."""
        if principal.role is Role.ADMIN:
            return Scope(role=Role.ADMIN)
        if principal.role is Role.MENTOR:
            taught = await programs_taught(self._database, principal)
            return Scope(role=Role.MENTOR, programs=tuple(sorted(taught)))
        return await self.own(principal)

    async def own(self, principal: Principal) -> Scope:
        """The caller's own facts, whatever their role."""
        return Scope(role=Role.STUDENT, subject=await subject_of(self._database, principal.id) or NOBODY)
