"""Places in sessions that have so many. Everything that gives one holds the lock of the session's row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.module import Kernel
from modules.live import errors
from modules.live.tables import Seat

LOCK: Final = "SELECT capacity FROM live_session WHERE id = {} FOR UPDATE"
# Who comes back before their place was given away keeps it.
KEEP: Final = "UPDATE live_seat SET taken_at = {} WHERE session_id = {} AND user_id = {} RETURNING user_id"
TAKEN: Final = "SELECT count(*) AS taken FROM live_seat WHERE session_id = {}"
TAKE: Final = "INSERT INTO live_seat (session_id, user_id, taken_at) VALUES ({}, {}, {})"
FREE: Final = "DELETE FROM live_seat WHERE session_id = {} AND taken_at < {} AND user_id <> ALL({})"


class Seats:
    """A place is taken by who enters, and is theirs. When all are taken, those of who is not in the room are free
    again: so nothing has to be written when somebody leaves, and a gateway that dies takes no place with it."""

    def __init__(self, kernel: Kernel, grace: float) -> None:
        self._kernel = kernel
        self._grace = timedelta(seconds=grace)

    async def take(self, session_id: str, user_id: str) -> None:
        """Raises Conflict `live.full` or Unavailable."""
        with self._kernel.database.guard():
            if await Seat.raw(KEEP, datetime.now(UTC), session_id, user_id):
                return
        if await self._taken(session_id, user_id, None):
            return
        # Not inside of the transaction: the other nodes may have to be asked.
        present = [person.id for person in await self._kernel.rooms.members(f"session:{session_id}")]
        if not await self._taken(session_id, user_id, present):
            raise errors.full()

    async def _taken(self, session_id: str, user_id: str, present: list[str] | None) -> bool:
        """Take a place if there is one; with `present` those of who is not there are given up first."""
        now = datetime.now(UTC)
        async with self._kernel.database.transaction():
            rows = await Seat.raw(LOCK, session_id)
            capacity = rows[0]["capacity"] if rows else None
            if capacity is None or await Seat.raw(KEEP, now, session_id, user_id):
                return True
            if present is not None:
                await Seat.raw(FREE, session_id, now - self._grace, present)
            if (await Seat.raw(TAKEN, session_id))[0]["taken"] >= capacity:
                return False
            await Seat.raw(TAKE, session_id, user_id, now)
            return True
