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
LOCK: Final = f"{ONE} FOR UPDATE"
ADD: Final = """
    INSERT INTO live_star (session_id, user_id, stars, comment, given_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING id
"""
CHANGE: Final = "UPDATE live_star SET stars = $3, comment = $4 WHERE session_id = $1 AND user_id = $2"
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

    async def lock(self, session: str, user: str) -> Rating:
        """What the user gave before; nobody else changes it until the transaction ends."""
        (row,) = await self._database.fetch(LOCK, session, user)
        return msgspec.convert(row, Rating)

    async def add(self, session: str, user: str, stars: int, comment: str, at: datetime) -> str | None:
        """Write the first stars of a user, and give their id; None when there are some already."""
        for row in await self._database.fetch(ADD, session, user, stars, comment, at):
            return str(row["id"])
        return None

    async def change(self, session: str, user: str, stars: int, comment: str) -> None:
        """Change what the user gave before; the time at which they first gave it stays."""
        await self._database.fetch(CHANGE, session, user, stars, comment)

    async def count(self, session: str) -> Mapping[int, int]:
        """How many gave so many stars."""
        return {row["stars"]: row["count"] for row in await self._database.fetch(COUNT, session)}

    async def comments(self, session: str, span: Span) -> Page[StarComment]:
        """Those that are not empty, in an order drawn by chance."""
        query = StarRow.select().where(StarRow.session_id == session, StarRow.comment != "")
        with self._database.guard():
            return await page_of(query, BY_CHANCE, span, StarComment)
