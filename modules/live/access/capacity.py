"""Seats in sessions with a capacity. Everything that gives a seat holds the lock of the session's row."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from cachetools import TTLCache

from gateway import clock
from gateway.batching import Batched
from gateway.contract import Kernel
from gateway.settings import Settings
from modules.live import errors
from modules.live.access.seat_repository import Outcome, SeatRepository
from modules.live.rooms import session_room
from modules.live.settings import LiveSettings

# Most sessions that a gateway remembers as full.
FULL_SESSIONS: Final = 10_000
# Seconds.
NEW: Final = 15.0


class SeatAllocator:
    """Gives seats in sessions with a capacity.

    A user who enters takes a seat. It stays theirs until `KSMP_LIVE_SEAT_GRACE` after they were last seen. So nothing
    is written when somebody leaves, and a user whose gateway dies has time to come back. Decision 24 says why.
    """

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._database = kernel.database
        self._rooms = kernel.rooms
        self._rows = SeatRepository(kernel.database)
        # A user who comes back on an older grant takes no new seat, and the attendance writer sees them a moment later.
        shortest = kernel.settings(Settings).grant_fresh + 2 * settings.attendance_interval
        grace = max(settings.seat_grace, shortest)
        self._grace = timedelta(seconds=grace)
        # A seat that was taken this short a time ago is not taken again. It is kept until attendance has seen the user.
        self._new = timedelta(seconds=min(NEW, grace - shortest))
        # For each session, the users of this node who ask for a seat. One call runs at a time, because the next one
        # would only wait for the session's row.
        self._asking: WeakValueDictionary[str, Batched[str, Outcome]] = WeakValueDictionary()
        self._full: TTLCache[str, bool] = TTLCache(FULL_SESSIONS, settings.full_pause)

    async def take(self, session_id: str, user_id: str, seated_at: datetime | None, *, stayed: bool) -> None:
        """Take a seat for the user. Raises Conflict `live.full` or Unavailable.

        `seated_at` is when they took the seat that they have, and `stayed` whether they were in the room. A user who
        joins over REST and then by WebSocket takes a seat once. Users who ask at the same moment are served in one
        statement.
        """
        if seated_at is not None and seated_at > clock.now() - self._new:
            return
        if seated_at is None and not stayed and session_id in self._full:
            raise errors.full()
        if self._database.in_transaction:
            (outcome,) = await self._take(session_id, [user_id])
        else:
            asking = self._asking.get(session_id)
            if asking is None:
                asking = self._asking[session_id] = Batched(partial(self._take, session_id), at_once=1)
            outcome = await asking(user_id)
        if outcome != "given":
            self._full[session_id] = True
            raise errors.full()

    async def _take(self, session_id: str, users: list[str]) -> list[Outcome]:
        now = clock.now()
        since = now - self._grace
        outcomes = await self._rows.take(session_id, users, now, since, None)
        stale = [user for user in users if outcomes[user] == "stale"]
        if stale:
            # A gateway that cannot write attendance still knows who is there. This is not inside the statement, because
            # other nodes may have to be asked.
            there = [person.id for person in await self._rooms.members(session_room(session_id))]
            outcomes |= await self._rows.take(session_id, stale, now, since, there)
        return [outcomes[user] for user in users]
