"""Stars and comments after a class, once from each student who was there. Its mentors see how many, never who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from modules.live.attendance.service import Attendances
from modules.live.errors import not_attended, not_over, stars_closed, stars_final
from modules.live.events import StarFigures
from modules.live.messages import NO_NUL, SessionView
from modules.live.sessions.service import Sessions, teaches
from modules.live.settings import LiveSettings
from modules.live.tables import StarRow

# Anonymous: the id is drawn by chance, so that the order tells nothing.
BY_CHANCE: Final = Sort("chance", (StarRow.id,))
MINE: Final = "SELECT stars, comment, given_at FROM live_star WHERE session_id = {} AND user_id = {}"
GIVE: Final = """
    INSERT INTO live_star (session_id, user_id, stars, comment, given_at) VALUES ({}, {}, {}, {}, {})
    ON CONFLICT (session_id, user_id) DO UPDATE SET stars = excluded.stars, comment = excluded.comment
    RETURNING stars, comment, given_at
"""
COUNT: Final = "SELECT stars, count(*) AS count FROM live_star WHERE session_id = {} GROUP BY stars"

Comment = Annotated[str, Meta(max_length=2000, pattern=NO_NUL)]


class NewStars(msgspec.Struct, frozen=True):
    stars: Annotated[int, Meta(ge=1, le=5)]
    comment: Comment = ""

    @classmethod
    def example(cls) -> NewStars:
        return cls(5, "The second example made it clear.")


class OwnStars(msgspec.Struct, frozen=True):
    """What the caller gave, and until when they may change it."""

    stars: int
    comment: str
    given_at: datetime
    final_at: datetime

    @classmethod
    def example(cls) -> OwnStars:
        at = datetime(2026, 2, 2, 13, 35, tzinfo=UTC)
        return cls(5, "The second example made it clear.", at, at + timedelta(days=1))


class StarSpread(msgspec.Struct, frozen=True):
    """How many gave stars; how many one, two, three, four, five: null while they are too few to stay unknown."""

    count: int
    spread: list[int] | None
    average: float | None

    @classmethod
    def example(cls) -> StarSpread:
        return cls(12, [0, 0, 1, 4, 7], 4.5)


class StarComment(msgspec.Struct, frozen=True):
    """A comment, of nobody."""

    stars: int
    comment: str

    @classmethod
    def example(cls) -> StarComment:
        return cls(5, "The second example made it clear.")


class Ratings:
    """The stars of sessions."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, attendances: Attendances) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._attendances = attendances
        self._open = timedelta(seconds=settings.stars_open)
        self._editable = timedelta(seconds=settings.stars_editable)
        self._least = settings.stars_least

    async def give(self, principal: Principal, id: str, new: NewStars) -> OwnStars:
        """Give stars, or change those given within the time for it.

        Raises BadInput `not_found`, Refused `forbidden`, Conflict `live.not_over`, `live.not_attended`,
        `live.stars_closed` or `live.stars_final`, and Unavailable.
        """
        session = await self._sessions.read(principal, id)
        now = clock.now()
        with self._kernel.database.guard():
            if await teaches(self._kernel.database, principal, session):
                raise forbidden("stars are given by students")
            if session.ended_at is None:
                raise not_over()
            mine = await StarRow.raw(MINE, id, principal.id)
            if mine and now > mine[0]["given_at"] + self._editable:
                raise stars_final()
            if not mine:
                if now > session.ended_at + self._open:
                    raise stars_closed()
                if not await self._attendances.was_there(session, principal.id):
                    raise not_attended()
            # Who does it twice at once is the same one, and the later word counts.
            rows = await StarRow.raw(GIVE, id, principal.id, new.stars, new.comment, now)
        return self._own(rows[0])

    async def mine(self, principal: Principal, id: str) -> OwnStars:
        """What the caller gave; raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            for row in await StarRow.raw(MINE, id, principal.id):
                return self._own(row)
        raise not_found("you have given no stars")

    async def spread(self, principal: Principal, id: str) -> StarSpread:
        """How many gave what, for the session's hosts; what it raises is as with `mine`, and none is no error."""
        await self._taught(principal, id)
        figures = await self.figures(id)
        if figures.spread is None:
            return StarSpread(figures.count, None, None)
        stars = sum(number * count for number, count in enumerate(figures.spread, 1))
        return StarSpread(figures.count, figures.spread, round(stars / figures.count, 2))

    async def comments(self, principal: Principal, id: str, span: Span) -> Page[StarComment]:
        """What was said, by nobody and in no order; nothing while too few gave stars."""
        await self._taught(principal, id)
        if (await self.figures(id)).spread is None:
            return Page([], None)
        query = StarRow.select().where(StarRow.session_id == id, StarRow.comment != "")
        with self._kernel.database.guard():
            return await page_of(query, BY_CHANCE, span, StarComment)

    async def figures(self, id: str) -> StarFigures:
        """The stars of a session as numbers; raises Unavailable."""
        with self._kernel.database.guard():
            found = {row["stars"]: row["count"] for row in await StarRow.raw(COUNT, id)}
        count = sum(found.values())
        return StarFigures(count, [found.get(stars, 0) for stars in range(1, 6)] if count >= self._least else None)

    async def _taught(self, principal: Principal, id: str) -> SessionView:
        session = await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            if not await teaches(self._kernel.database, principal, session):
                raise forbidden("this is for the session's mentors")
        return session

    def _own(self, row: dict[str, Any]) -> OwnStars:
        return OwnStars(row["stars"], row["comment"], row["given_at"], row["given_at"] + self._editable)
