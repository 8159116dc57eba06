"""`chat.snapshot`: the whole state of a room whose owner has no snapshot of its own, at a position of its log."""

from __future__ import annotations

from gateway.contract import Context, command
from gateway.protocol.messages import Snapshot
from modules.chat.messages import Nothing
from modules.chat.room_kinds import SNAPSHOT


class RoomSnapshot:
    """The parts are declared where they are made, by any module."""

    @command("chat.snapshot", room=SNAPSHOT, rate="snapshot_rate")
    async def snapshot(self, context: Context, request: Nothing) -> Snapshot:
        """The room's state; raises Unavailable."""
        return await context.snapshot()
