"""Direct rooms, as the rest of chat asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.contract import Context, Kernel
from gateway.principal import Principal, Role
from modules.accounts.facade import announce_room
from modules.chat.direct.may_write import MayWrite
from modules.chat.direct.repository import DirectRepository
from modules.chat.room_access import RoomAccess, Writer
from modules.chat.room_kinds import DIRECT

ADMINS: Final = announce_room(Role.ADMIN)


class DirectAccess(RoomAccess):
    def __init__(self, kernel: Kernel, may_write: MayWrite) -> None:
        self._may_write = may_write
        self._rows = DirectRepository(kernel.database)

    async def reader(self, principal: Principal, id: str) -> str | None:
        return DIRECT.member if await self._rows.seen_from(id, principal.id) is not None else None

    async def seen_from(self, principal: Principal, id: str) -> int:
        found = await self._rows.seen_from(id, principal.id)
        return 0 if found is None else int(found.timestamp() * 1000)

    async def writer(self, principal: Principal, id: str) -> Writer:
        await self._may_write.check(principal, id)
        # The files count for their owner alone.
        return Writer(role=DIRECT.member, quota="")

    async def roles(self, id: str, users: Sequence[str]) -> Mapping[str, str]:
        (members,) = (await self._rows.members([id])).values()
        return {member.user_id: DIRECT.member for member in members if member.user_id in users}

    async def moderates(self, principal: Principal, id: str) -> bool:
        """Reports are for admins: they read what was reported, and nothing else of the room."""
        return principal.role is Role.ADMIN

    async def staff_rooms(self, id: str) -> Sequence[str]:
        return (ADMINS,)

    async def subscribed(self, id: str, user: str) -> bool:
        # Nobody sets a mode.
        return True

    async def check_sending(self, context: Context) -> None:
        await self._may_write.check(context.principal, context.room_id)
