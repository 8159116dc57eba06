"""The rows of stars and comments: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.live.tables import StarRow

# Anonymous: the id is drawn by chance, so that the order tells nothing.
BY_CHANCE: Final = Sort("chance", (StarRow.id,))
ONE: Final = "SELECT stars, comment, given_at FROM live_star WHERE session_id = $1 AND user_id = $2"
GIVE: Final = """
    INSERT INTO live_star (session_id, user_id, stars, comment, given_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (session_id, user_id) DO UPDATE SET stars = excluded.stars, comment = excluded.comment
    RETURNING stars, comment, given_at
"""
COUNT: Final = "SELECT stars, count(*) AS count FROM live_star WHERE session_id = $1 GROUP BY stars"


class Rating(msgspec.Struct, frozen=True):
    """What one student gave a session."""

    stars: int
    comment: str
    given_at: datetime


class StarComment(msgspec.Struct, frozen=True):
    """A comment, without who wrote it."""

    stars: int
    comment: str

    @classmethod
    def example(cls) -> StarComment:
        return cls(5, "The second example made it clear.")


class RatingRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, session: str, user: str) -> Rating | None:
        for row in await self._database.fetch(ONE, session, user):
            return msgspec.convert(row, Rating)
        return None

    async def give(self, session: str, user: str, stars: int, comment: str, at: datetime) -> Rating:
        """Write it, or change what the user gave before; the time at which they first gave it stays."""
        (row,) = await self._database.fetch(GIVE, session, user, stars, comment, at)
        return msgspec.convert(row, Rating)

    async def count(self, session: str) -> Mapping[int, int]:
        """How many gave so many stars."""
        return {row["stars"]: row["count"] for row in await self._database.fetch(COUNT, session)}

    async def comments(self, session: str, span: Span) -> Page[StarComment]:
        """Those that are not empty, in an order drawn by chance."""
        query = StarRow.select().where(StarRow.session_id == session, StarRow.comment != "")
        with self._database.guard():
            return await page_of(query, BY_CHANCE, span, StarComment)
