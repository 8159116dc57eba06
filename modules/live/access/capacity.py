"""Seats in sessions with a capacity. Everything that gives a seat holds the lock of the session's row."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from cachetools import TTLCache

from gateway import clock
from gateway.batching import Batched
from gateway.contract import Kernel
from gateway.settings import Settings
from modules.live import errors
from modules.live.access.repository import AccessRepository, AdmissionFacts
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
        self._access_rows = AccessRepository(kernel.database)
        # A user who comes back on an older grant takes no new seat, and the attendance writer sees them a moment later.
        shortest = kernel.settings(Settings).grant_fresh + 2 * settings.attendance_interval
        grace = max(settings.seat_grace, shortest)
        self._grace = timedelta(seconds=grace)
        # A seat that was taken this short a time ago is not taken again. It is kept until attendance has seen the user.
        self._new = timedelta(seconds=min(NEW, grace - shortest))
        # For each session, the users of this node who ask for a seat. One call runs at a time, because the next one
        # would only wait for the session's row.
        self._asking: WeakValueDictionary[str, Batched[str, Outcome]] = WeakValueDictionary()
        self._entering: WeakValueDictionary[str, Batched[str, AdmissionFacts | None]] = WeakValueDictionary()
        self._full: TTLCache[str, bool] = TTLCache(FULL_SESSIONS, settings.full_pause)

    async def admit_student(self, session_id: str, user_id: str) -> AdmissionFacts | None:
        """What is known of a student and the session; None without such a session. Raises Unavailable.

        It takes a seat in the same statement, where nothing in the rows keeps the student out. Students who come at the
        same moment are served in one. While the session is known as full, or inside of a transaction, no seat is taken.
        """
        if session_id in self._full or self._database.in_transaction:
            return await self._access_rows.admission_facts(user_id, session_id)
        entering = self._entering.get(session_id)
        if entering is None:
            entering = self._entering[session_id] = Batched(partial(self._admit, session_id), at_once=1)
        return await entering(user_id)

    async def _admit(self, session_id: str, users: list[str]) -> list[AdmissionFacts | None]:
        now = clock.now()
        return await self._access_rows.admit_students(
            session_id, users, at=now, since=now - self._grace, new=now - self._new
        )

    async def take(self, session_id: str, user_id: str, known: AdmissionFacts) -> None:
        """Take a seat for the user, unless one was taken with these facts. Raises Conflict `live.full` or Unavailable.

        A user who joins over REST and then by WebSocket takes a seat once. Users who ask at the same moment are served
        in one statement.
        """
        if known.seat == "given" or (known.seated_at is not None and known.seated_at > clock.now() - self._new):
            return
        if known.seated_at is None and not known.stayed and session_id in self._full:
            raise errors.full()
        outcome: Outcome
        if known.seat == "full":
            outcome = "full"
        elif self._database.in_transaction:
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
