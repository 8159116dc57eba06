"""The rows of seats: every statement, and what it gives. Only a session with a capacity has seats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from gateway.contract import Database

TAKE: Final = "SELECT asker, outcome FROM live_take_seats($1, $2, $3, $4, $5)"

# Stale: there would be a place without the seats of users who were not seen lately.
Outcome = Literal["given", "full", "stale"]


class SeatRepository:
    """The function `live_take_seats` does the work, in one round trip. It locks the session's row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, session: str, users: Sequence[str], at: datetime, since: datetime, present: Sequence[str] | None
    ) -> dict[str, Outcome]:
        """Give these users seats, in their order. A user who was seen after `since` keeps their seat.

        With `present`, first give up the stale seats of users who are not among them.
        """
        there = None if present is None else list(present)
        rows = await self._database.fetch(TAKE, session, list(users), at, since, there)
        return {row["asker"]: row["outcome"] for row in rows}
