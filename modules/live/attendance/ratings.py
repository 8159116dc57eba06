"""Stars and comments after a class, once from each student who was there. Mentors see how many gave what, never who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal
from gateway.text import TEXT, Texts
from modules.live.attendance.rating_repository import Rating, RatingRepository, StarComment
from modules.live.attendance.service import Attendances
from modules.live.errors import not_attended, not_over, stars_closed, stars_final
from modules.live.events import StarFigures, StarsGiven
from modules.live.sessions.service import Sessions, teaches
from modules.live.settings import LiveSettings

REFUSAL: Final = "this is for the session's mentors"

Comment = Annotated[str, Meta(max_length=2000), TEXT]


class NewStars(Texts, frozen=True):
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
    """How many gave stars, and how many of them one, two, three, four and five.

    `spread` and `average` are null while so few have answered that one could tell who.
    """

    count: int
    spread: list[int] | None
    average: float | None

    @classmethod
    def example(cls) -> StarSpread:
        return cls(12, [0, 0, 1, 4, 7], 4.5)


class Ratings:
    """The stars of sessions. Each method for a user raises BadInput `not_found`, Refused `forbidden` or Unavailable."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, attendances: Attendances) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._rows = RatingRepository(kernel.database)
        self._sessions = sessions
        self._attendances = attendances
        self._open = timedelta(seconds=settings.stars_open)
        self._editable = timedelta(seconds=settings.stars_editable)
        self._least = settings.stars_least

    async def give(self, principal: Principal, id: str, new: NewStars) -> OwnStars:
        """Give stars, or change those given within the time for it.

        Also raises Conflict `live.not_over`, `live.not_attended`, `live.stars_closed` or `live.stars_final`.
        """
        session = await self._sessions.read(principal, id)
        now = clock.now()
        if await teaches(self._database, principal, session):
            raise forbidden("stars are given by students")
        if session.ended_at is None:
            raise not_over()
        given = await self._rows.find(id, principal.id)
        if given is not None and now > given.given_at + self._editable:
            raise stars_final()
        if given is None:
            if now > session.ended_at + self._open:
                raise stars_closed()
            if not await self._attendances.was_there(session, principal.id):
                raise not_attended()
        async with self._database.transaction():
            # A user who gives twice at once is one user: the later stars count.
            change_id = await self._rows.add(id, principal.id, new.stars, new.comment, now)
            before = None
            if change_id is None:
                change_id, before = new_id(), await self._rows.lock(id, principal.id)
                await self._rows.change(id, principal.id, new.stars, new.comment)
            if before is None or before.stars != new.stars:
                event = StarsGiven(
                    session_id=id,
                    program_id=session.program_id,
                    at=session.ended_at,
                    change_id=change_id,
                    stars=new.stars,
                    before=None if before is None else before.stars,
                )
                await self._kernel.events.publish(event)
        return self._shown(Rating(new.stars, new.comment, now if before is None else before.given_at))

    async def own(self, principal: Principal, id: str) -> OwnStars:
        """What the caller gave; also `not_found` when they gave none."""
        await self._sessions.read(principal, id)
        given = await self._rows.find(id, principal.id)
        if given is None:
            raise not_found("you have given no stars")
        return self._shown(given)

    async def spread(self, principal: Principal, id: str) -> StarSpread:
        """How many gave what, for the session's hosts."""
        await self._sessions.read_as_host(principal, id, REFUSAL)
        figures = await self.figures(id)
        if figures.spread is None:
            return StarSpread(figures.count, None, None)
        stars = sum(number * count for number, count in enumerate(figures.spread, 1))
        return StarSpread(figures.count, figures.spread, round(stars / figures.count, 2))

    async def comments(self, principal: Principal, id: str, span: Span) -> Page[StarComment]:
        """The comments, without authors and in no order, for the session's hosts; none while too few gave stars."""
        await self._sessions.read_as_host(principal, id, REFUSAL)
        if (await self.figures(id)).spread is None:
            return Page([], None)
        return await self._rows.comments(id, span)

    async def figures(self, id: str) -> StarFigures:
        """The stars of a session as numbers; raises Unavailable."""
        counts = await self._rows.count(id)
        count = sum(counts.values())
        return StarFigures(count, [counts.get(stars, 0) for stars in range(1, 6)] if count >= self._least else None)

    def _shown(self, given: Rating) -> OwnStars:
        return OwnStars(given.stars, given.comment, given.given_at, given.given_at + self._editable)
