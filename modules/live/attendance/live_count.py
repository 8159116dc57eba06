"""How many are in a session now, for its mentors: told in its staff room when that has changed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel, snapshot_part
from gateway.principal import Principal
from modules.live.tables import StayRow

# Also what the snapshot calls it.
PUSH: Final = "live.attendance"
# Of a node that is silent for so many writings nobody is there.
SILENCE: Final = 3
COUNT: Final = """
    SELECT session_id, count(DISTINCT user_id) FILTER (WHERE NOT host) AS viewers,
        count(DISTINCT user_id) FILTER (WHERE host) AS hosts
    FROM live_stay JOIN live_node USING (node)
    WHERE session_id = ANY({}) AND ended_at IS NULL AND seen_at > {} GROUP BY session_id
"""


class LiveCount(msgspec.Struct, frozen=True):
    """How many users are in the session's room, on all nodes."""

    session_id: str
    viewers: int
    hosts: int


class LiveCounts:
    """Counts the sessions whose mentors are on this node, after each writing of stays."""

    def __init__(self, kernel: Kernel, interval: float) -> None:
        self._kernel = kernel
        self._silence = timedelta(seconds=SILENCE * interval)
        self._watched: Counter[str] = Counter()
        self._told: dict[str, LiveCount] = {}

    def watch(self, principal: Principal, session: str, role: str) -> None:
        """A mentor's connection is in the staff room, and is told how many there are."""
        self._watched[session] += 1
        self._told.pop(session, None)

    def unwatch(self, principal: Principal, session: str, role: str) -> None:
        self._watched[session] -= 1
        if self._watched[session] <= 0:
            del self._watched[session]
            self._told.pop(session, None)

    @snapshot_part(PUSH, room="staff")
    async def read(self, context: Context) -> LiveCount:
        """The part of a staff room's snapshot; raises Unavailable."""
        (count,) = await self._count([context.room_id])
        return count

    async def tell(self) -> None:
        """Tell what has changed; raises Unavailable."""
        if not self._watched:
            return
        for count in await self._count(list(self._watched)):
            session = count.session_id
            if self._told.get(session) != count:
                await self._kernel.rooms.emit(f"staff:{session}", PUSH, count)
                # Unless the last of them has left meanwhile.
                if session in self._watched:
                    self._told[session] = count

    async def _count(self, sessions: list[str]) -> list[LiveCount]:
        with self._kernel.database.guard():
            rows = await StayRow.raw(COUNT, sessions, clock.now() - self._silence)
        counts = {row["session_id"]: msgspec.convert(row, LiveCount) for row in rows}
        return [counts.get(session, LiveCount(session, 0, 0)) for session in sessions]
