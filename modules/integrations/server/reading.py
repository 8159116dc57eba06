"""What services read of rooms: who is there, and what was said."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.principal import ServicePrincipal
from modules.integrations.server.messages import Present, RoomHistory, RoomPresence, RoomPush
from modules.integrations.services.scopes import check_room


class RoomReading:
    """Each call raises Refused `forbidden` for a room that the key is not for, and Unavailable."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def presence(self, service: ServicePrincipal, room: str, after: str, limit: int) -> RoomPresence:
        """The people by id, without their names. Raises BadInput `invalid` for a room of a kind without presence."""
        check_room(service, room)
        try:
            people = await self._kernel.rooms.members(room)
        except ValueError as error:
            raise invalid("rooms of this kind have no presence", field="room") from error
        start = bisect_right(people, after, key=lambda person: person.id) if after else 0
        shown = people[start : start + limit]
        return RoomPresence(
            len(people),
            [Present(person.id, person.role, person.since) for person in shown],
            shown[-1].id if start + limit < len(people) else None,
        )

    async def history(self, service: ServicePrincipal, room: str, before: int, limit: int) -> RoomHistory:
        check_room(service, room)
        pushes, more = await self._kernel.rooms.history(room, before, limit)
        return RoomHistory(
            [RoomPush(push.seq, push.at, push.push, push.author, msgspec.json.decode(push.data)) for push in pushes],
            more,
        )
