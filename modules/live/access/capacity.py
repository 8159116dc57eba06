"""Seats in sessions with a capacity. Everything that gives a seat holds the lock of the session's row."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from cachetools import TTLCache

from gateway import clock
from gateway.contract import Kernel
from gateway.settings import Settings
from modules.live import errors
from modules.live.access.seat_repository import SeatRepository, Seats
from modules.live.rooms import session_room
from modules.live.settings import LiveSettings

# Most sessions that a gateway remembers as full.
FULL_SESSIONS: Final = 10_000


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
        self._grace = timedelta(seconds=max(settings.seat_grace, shortest))
        # For each session one joining user of this node asks at a time. The others hold no connection meanwhile.
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._full: TTLCache[str, bool] = TTLCache(FULL_SESSIONS, settings.full_pause)

    async def take(self, session_id: str, user_id: str, *, known: bool) -> None:
        """Take a seat for the user; with `known` they may have one. Raises Conflict `live.full` or Unavailable."""
        asking = self._asking.setdefault(session_id, asyncio.Lock())
        async with asking:
            if not known and session_id in self._full:
                raise errors.full()
            seats = await self._try(session_id, user_id, None)
            if not seats.available(len(seats.stale)) and seats.available(0):
                # A gateway that cannot write attendance still knows who is there. This is not inside the transaction,
                # because other nodes may have to be asked.
                there = [person.id for person in await self._rooms.members(session_room(session_id))]
                seats = await self._try(session_id, user_id, there)
            if not seats.available(len(seats.stale)):
                self._full[session_id] = True
                raise errors.full()

    async def _try(self, session_id: str, user_id: str, present: Collection[str] | None) -> Seats:
        """Take a seat if one is free while all stale seats are kept. With `present`, first free the stale seats of
        users who are not among them."""
        now = clock.now()
        async with self._database.transaction():
            await self._rows.lock(session_id)
            seats = await self._rows.seats(session_id, user_id, now - self._grace)
            if present is not None:
                absent = [user for user in seats.stale if user not in present]
                await self._rows.release(session_id, absent)
                seats = msgspec.structs.replace(seats, stale=sorted({*seats.stale} - {*absent}))
            if seats.available(len(seats.stale)):
                await self._rows.take(session_id, user_id, now)
            return seats
