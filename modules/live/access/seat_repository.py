"""The rows of seats: every statement, and what it gives. Only a session with a capacity has seats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database

# A seat is kept for a user who took it since $2, or whom the attendance writer has seen since $2. A host needs no seat.
# A viewer who came before seats were counted has one.
SEATS: Final = """
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
LOCK_SESSION: Final = "SELECT FROM live_session WHERE id = $1 FOR UPDATE"
TAKE_SEAT: Final = """
    INSERT INTO live_seat (session_id, user_id, taken_at) VALUES ($1, $2, $3)
    ON CONFLICT (session_id, user_id) DO UPDATE SET taken_at = $3
"""
RELEASE_SEATS: Final = "DELETE FROM live_seat WHERE session_id = $1 AND user_id = ANY($2)"


class Seats(msgspec.Struct, frozen=True):
    """Who holds the seats of a session.

    `kept` is how many seats are kept, and `mine` says whether the asking user has one. `stale` are the users with a
    seat who were not seen lately.
    """

    capacity: int | None
    kept: int
    mine: bool
    stale: list[str]

    def available(self, stale: int) -> bool:
        """Whether the asking user gets a seat when this number of stale seats is kept."""
        return self.capacity is None or self.mine or self.kept + stale < self.capacity


class SeatRepository:
    """Each call runs in the transaction around it. Call `lock` first, so that no seat is given twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, session: str) -> None:
        await self._database.fetch(LOCK_SESSION, session)

    async def seats(self, session: str, user: str, since: datetime) -> Seats:
        """The seats of the session, for this user. A user who was seen after `since` keeps their seat."""
        (row,) = await self._database.fetch(SEATS, session, since, user)
        return msgspec.convert(row, Seats)

    async def take(self, session: str, user: str, at: datetime) -> None:
        await self._database.fetch(TAKE_SEAT, session, user, at)

    async def release(self, session: str, users: Sequence[str]) -> None:
        await self._database.fetch(RELEASE_SEATS, session, list(users))
