"""The rooms of live sessions, which live owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from modules.chat.room_access import RoomAccess, Writer
from modules.chat.room_kinds import SESSION
from modules.live.facade import role_as_reader, roles_in, session_facts, staff_room
from modules.programs.facade import enrolled


class SessionRooms(RoomAccess):
    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database

    async def reader(self, principal: Principal, id: str) -> str | None:
        return await role_as_reader(self._database, principal, id)

    async def writer(self, principal: Principal, id: str) -> Writer:
        facts = await session_facts(self._database, id)
        if facts is None:
            raise not_found("there is no such room")
        role = await self.reader(principal, id)
        if role is None:
            raise forbidden("this room is for those who take part in the session")
        if not SESSION.moderates(role) and facts.state in ("scheduled", "cancelled"):
            raise forbidden("this room is not open")
        return Writer(role=role, quota=f"program:{facts.program_id}")

    async def roles(self, id: str, users: Sequence[str]) -> Mapping[str, str]:
        return await roles_in(self._database, id, users)

    async def moderates(self, principal: Principal, id: str) -> bool:
        if await session_facts(self._database, id) is None:
            raise not_found("there is no such session")
        if principal.role is Role.ADMIN:
            return True
        # Reports are for mentors. A co-host of one class sees those that come while it is on.
        return (await roles_in(self._database, id, [principal.id])).get(principal.id) == "host"

    async def staff_rooms(self, id: str) -> Sequence[str]:
        return (staff_room(id),)

    async def subscribed(self, id: str, user: str) -> bool:
        facts = await session_facts(self._database, id)
        return facts is not None and await enrolled(self._database, user, facts.program_id)
