"""Direct rooms, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Router

from gateway.contract import Kernel, RoomKind
from gateway.http.services import services
from modules.chat.direct import routes
from modules.chat.direct.blocks import Blocks
from modules.chat.direct.direct_access import DirectAccess
from modules.chat.direct.direct_rooms import DirectRooms
from modules.chat.direct.may_write import MayWrite
from modules.chat.direct.personal_data import DirectPersonalData
from modules.chat.direct.tables import BlockRow, DirectRow
from modules.chat.room_kinds import DIRECT
from modules.chat.settings import ChatSettings


class DirectFeature:
    """Pairs, small groups and blocks."""

    tables = (DirectRow, BlockRow)

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        may_write = MayWrite(kernel, settings)
        self.access = DirectAccess(kernel, may_write)
        self._rooms = rooms = DirectRooms(kernel, settings, may_write)
        self._personal_data = DirectPersonalData(kernel.database)
        blocks = Blocks(kernel, settings)
        self.features = (rooms, blocks)
        kind = RoomKind(name=DIRECT.kind, roles=DIRECT.roles, authorize=rooms.grant, archived=True, presence=True)
        self.rooms = (kind,)
        self.routes = (
            Router(
                "/chat",
                route_handlers=routes.HANDLERS,
                dependencies=services(direct_rooms=rooms, blocks=blocks),
            ),
        )

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self._personal_data.export(user)

    async def forget(self, user: str) -> None:
        """Inside a transaction; again, it changes nothing."""
        await self._rooms.forget(user)
        await self._personal_data.forget(user)
