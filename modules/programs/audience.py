"""Who is told of what happens in a program, in pages."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.notify.facade import Audience
from modules.programs.facade import Part, exists, part_of, participants


class ProgramAudience:
    """The audience `program:<id>` of notifications: those who have a place, and the program's mentors."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self.contributions = (Audience(name="program", users=self._users, exists=self._exists, teaches=self._teaches),)

    async def _users(self, program_id: str, after: str, limit: int) -> Sequence[str]:
        return await participants(self._database, program_id, after, limit)

    async def _exists(self, program_id: str) -> bool:
        return await exists(self._database, program_id)

    async def _teaches(self, principal: Principal, program_id: str) -> bool:
        return await part_of(self._database, principal, program_id) is Part.MENTOR
