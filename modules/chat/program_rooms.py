"""The rooms of programs, which programs owns: their students and mentors talk there outside of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal, Role
from modules.accounts.facade import user_room
from modules.chat.room_access import RoomAccess, Writer
from modules.programs.facade import enrolled, exists, mentors_of, part_of, parts_of


class ProgramRooms(RoomAccess):
    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database

    async def reader(self, principal: Principal, id: str) -> str | None:
        if principal.role is Role.ADMIN:
            return "mentor" if await exists(self._database, id) else None
        part = await part_of(self._database, principal, id)
        return part.value if part is not None else None

    async def writer(self, principal: Principal, id: str) -> Writer:
        role = await self.reader(principal, id)
        if role is None:
            # Not everybody may know of each program.
            raise not_found("there is no such room")
        return Writer(role=role, quota=f"program:{id}")

    async def roles(self, id: str, users: Sequence[str]) -> Mapping[str, str]:
        return {user: part.value for user, part in (await parts_of(self._database, users, id)).items()}

    async def moderates(self, principal: Principal, id: str) -> bool:
        role = await self.reader(principal, id)
        if role is None:
            raise not_found("there is no such program")
        return role == "mentor"

    async def staff_rooms(self, id: str) -> Sequence[str]:
        return [user_room(mentor) for mentor in await mentors_of(self._database, id)]

    async def subscribed(self, id: str, user: str) -> bool:
        return await enrolled(self._database, user, id)
