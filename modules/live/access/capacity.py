"""Places in sessions that have so many. Everything that gives one holds the lock of the session's row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.settings import Settings
from modules.live import errors
from modules.live.settings import LiveSettings

LOCK: Final = "SELECT FROM live_session WHERE id = $1 FOR UPDATE"
# A place is kept for who took it, or was seen by the attendance writer, since $2. Who is there as a host needs none;
# who came before places were counted has one.
LOOK: Final = """
    SELECT capacity, count(*) FILTER (WHERE kept) AS kept, coalesce(bool_or(kept AND user_id = $3), false) AS mine,
        coalesce(array_agg(user_id) FILTER (WHERE NOT kept AND user_id <> $3), '{}') AS stale
    FROM live_session LEFT JOIN (
        SELECT user_id, bool_or(kept) AS kept FROM (
            SELECT user_id, taken_at > $2 AS kept FROM live_seat WHERE session_id = $1
            UNION ALL SELECT user_id, true FROM live_stay AS stay LEFT JOIN live_node USING (node)
            WHERE session_id = $1 AND coalesce(ended_at, seen_at, started_at) > $2 AND (NOT host OR EXISTS (
                SELECT FROM live_seat WHERE session_id = $1 AND user_id = stay.user_id
            ))
        ) AS told GROUP BY user_id
    ) AS holder ON true WHERE id = $1 GROUP BY capacity
"""
TAKE: Final = """
    INSERT INTO live_seat (session_id, user_id, taken_at) VALUES ($1, $2, $3)
    ON CONFLICT (session_id, user_id) DO UPDATE SET taken_at = $3
"""
FREE: Final = "DELETE FROM live_seat WHERE session_id = $1 AND user_id = ANY($2)"


class Places(msgspec.Struct, frozen=True):
    """How a session's places are held: `kept` by how many, `mine` whether the asker's is; the `stale` are of those who
    were not seen for long."""

    capacity: int | None
    kept: int
    mine: bool
    stale: list[str]

    def left(self, stale: int) -> bool:
        """Whether there is a place for the asker when so many of those that are stale are kept."""
        return self.capacity is None or self.mine or self.kept + stale < self.capacity


class SeatAllocator:
    """A place is taken by who enters, and is theirs until a while after they were last seen: so nothing has to be
    written when somebody leaves, and nobody's is given away at once when their gateway dies."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        # Who comes back on a grant of before takes no place anew, and the attendance writer sees them a moment later.
        shortest = kernel.settings(Settings).grant_fresh + 2 * settings.attendance_interval
        self._grace = timedelta(seconds=max(settings.seat_grace, shortest))
        self._pause = settings.full_pause
        # Of one session's joiners on this node one asks at a time, and the others hold no connection meanwhile.
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._full: dict[str, float] = {}

    async def take(self, session_id: str, user_id: str, *, known: bool) -> None:
        """`known` says whether the user may have one already. Raises Conflict `live.full` or Unavailable."""
        asking = self._asking.setdefault(session_id, asyncio.Lock())
        async with asking:
            now = time.monotonic()
            if not known and now < self._full.get(session_id, now):
                raise errors.full()
            places = await self._try(session_id, user_id, None)
            if not places.left(len(places.stale)) and places.left(0):
                # A gateway that cannot write what it sees still tells who is there. Not inside of the transaction: the
                # other nodes may have to be asked.
                there = [person.id for person in await self._kernel.rooms.members(f"session:{session_id}")]
                places = await self._try(session_id, user_id, there)
            self._full = {id: until for id, until in self._full.items() if until > now}
            if not places.left(len(places.stale)):
                self._full[session_id] = now + self._pause
                raise errors.full()

    async def _try(self, session_id: str, user_id: str, present: Collection[str] | None) -> Places:
        """Take a place if there is one beside all that are stale; with `present` those of who is not there are given
        up first."""
        fetch, now = self._kernel.database.fetch, clock.now()
        async with self._kernel.database.transaction():
            await fetch(LOCK, session_id)
            (row,) = await fetch(LOOK, session_id, now - self._grace, user_id)
            places = msgspec.convert(row, Places)
            if present is not None:
                absent = [user for user in places.stale if user not in present]
                await fetch(FREE, session_id, absent)
                places = msgspec.structs.replace(places, stale=sorted({*places.stale} - {*absent}))
            if places.left(len(places.stale)):
                await fetch(TAKE, session_id, user_id, now)
            return places
