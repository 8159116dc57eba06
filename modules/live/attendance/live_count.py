"""How many are in a session now, for its mentors: pushed to its staff room when that has changed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, snapshot_part
from gateway.principal import Principal
from modules.live.attendance.messages import ATTENDANCE, LiveCount
from modules.live.attendance.presence_repository import PresenceRepository
from modules.live.rooms import staff_room

# A node that did not write for so many intervals counts as gone: nobody is on it.
MISSED_WRITES: Final = 3


class LiveCounts:
    """Counts in the sessions whose mentors are on this node, after each time that presence was written."""

    pushes = (ATTENDANCE,)

    def __init__(self, kernel: Kernel, presence: PresenceRepository, interval: float) -> None:
        self._kernel = kernel
        self._presence = presence
        self._silence = timedelta(seconds=MISSED_WRITES * interval)
        self._watched: Counter[str] = Counter()
        self._pushed: dict[str, LiveCount] = {}

    def watch(self, principal: Principal, session: str, role: str) -> None:
        """A mentor's connection has joined the staff room: push the count there next time."""
        self._watched[session] += 1
        self._pushed.pop(session, None)

    def unwatch(self, principal: Principal, session: str, role: str) -> None:
        self._watched[session] -= 1
        if self._watched[session] <= 0:
            del self._watched[session]
            self._pushed.pop(session, None)

    @snapshot_part(ATTENDANCE.name, room="staff")
    async def attendance_part(self, context: Context) -> LiveCount:
        (count,) = await self._count([context.room_id])
        return count

    async def push_changes(self) -> None:
        """Push the counts that have changed. Raises Unavailable."""
        if not self._watched:
            return
        for count in await self._count(list(self._watched)):
            session = count.session_id
            if self._pushed.get(session) != count:
                await self._kernel.rooms.emit(staff_room(session), ATTENDANCE, count)
                # Unless the last mentor has left meanwhile.
                if session in self._watched:
                    self._pushed[session] = count

    async def _count(self, sessions: list[str]) -> list[LiveCount]:
        return await self._presence.count(sessions, clock.now() - self._silence)
