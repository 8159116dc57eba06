"""`live.snapshot` and `live.staff_snapshot`: the whole state of a room in one command, at a position.

What is in it is not live's alone: every module adds its parts (`Module.snapshots`). The session itself is one here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import not_found
from gateway.protocol.messages import Snapshot
from modules.live.messages import Nothing, SessionView
from modules.live.room.parts import RoomParts

SESSION: Final = "SELECT * FROM live_session WHERE id = $1"


async def read(context: Context, request: Nothing) -> Snapshot:
    return await context.snapshot()


class Snapshots:
    """The commands, and the part `live.session`."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts
        self.commands = (
            Command(
                name="live.snapshot", rooms="session", role="viewer", request=Nothing, handler=read, rate=self._rate
            ),
            Command(
                name="live.staff_snapshot", rooms="staff", role="host", request=Nothing, handler=read, rate=self._rate
            ),
        )
        self.snapshots = (SnapshotPart(name="live.session", rooms="session", read=self._session, shared=True),)

    async def _session(self, context: Context) -> SessionView:
        for row in await self._parts.fetch(SESSION, context.room_id):
            return msgspec.convert(dict(row), SessionView)
        raise not_found("there is no such session")

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.snapshot_rate_count, seconds=self._parts.settings.snapshot_rate_seconds)
