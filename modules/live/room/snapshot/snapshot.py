"""`live.snapshot` and `live.staff_snapshot`: the whole state of a room in one command, at a position.

Every module declares its own parts with `@snapshot_part`. The part `live.session`, the session itself, is here.
"""

from __future__ import annotations

from gateway.contract import Context, Database, command, snapshot_part
from gateway.errors import not_found
from gateway.protocol.messages import Snapshot
from modules.live.messages import Nothing, SessionView
from modules.live.room.snapshot.repository import SnapshotRepository


class RoomSnapshot:
    """The commands, and the part `live.session`."""

    def __init__(self, database: Database) -> None:
        self._snapshot = SnapshotRepository(database)

    @command("live.snapshot", room="session", role="viewer", rate="snapshot_rate")
    @command("live.staff_snapshot", room="staff", role="host", rate="snapshot_rate")
    async def snapshot(self, context: Context, request: Nothing) -> Snapshot:
        return await context.snapshot()

    @snapshot_part("live.session", room="session", shared=True)
    async def session(self, context: Context) -> SessionView:
        session = await self._snapshot.session(context.room_id)
        if session is None:
            raise not_found("there is no such session")
        return session
