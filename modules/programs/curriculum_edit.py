"""One change of a curriculum at a time: the transaction around each, its number, and the push at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.programs.access import ProgramAccess
from modules.programs.curriculum_repository import CurriculumRepository
from modules.programs.facade import program_room
from modules.programs.messages import CURRICULUM


class CurriculumEdits:
    """Lets those who may change a program change its curriculum, one after the other."""

    pushes = (CURRICULUM,)

    def __init__(self, kernel: Kernel, rows: CurriculumRepository, access: ProgramAccess) -> None:
        self._kernel = kernel
        self._rows = rows
        self._access = access

    @asynccontextmanager
    async def change(self, principal: Principal, program_id: str) -> AsyncIterator[int]:
        """A transaction for one change and its `rev`, for a user who may change the program; pushes at the end.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        async with self._kernel.database.transaction():
            await self._access.lock(principal, program_id)
            yield await self._rows.next_rev(program_id)
            outline = await self._rows.outline(program_id)
            await self._kernel.rooms.publish_row(program_room(program_id), CURRICULUM, outline)
