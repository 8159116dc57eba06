"""Facts as the writer stores them, in the days of India from 1 March 2021 on, a Monday."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from gateway.principal import Role
from modules.analytics.facade import Fact, FactType
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension, Filters, Query
from modules.analytics.measures.messages import Figure
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.window import Window
from modules.analytics.measures.zone import Zone
from modules.analytics.store.event import Event, Source
from modules.analytics.store.names import EventNames
from modules.analytics.store.writer import EventWriter

INDIA = Zone("Asia/Kolkata")
DAY = date(2021, 3, 1)

ALL = Scope(role=Role.ADMIN)


class Happened(msgspec.Struct, frozen=True):
    """An event of another module; the tests write its facts themselves."""


REGISTERS = (
    "live.session",
    "live.attended",
    "live.took_part",
    "live.poll_taken",
    "programs.enrolled",
    "programs.completed",
    "programs.lesson",
    "programs.lesson_done",
    "assignments.assignment",
    "assignments.turned_in",
    "assignments.graded",
    "payments.order_made",
    "payments.order_paid",
    "payments.order_attempted",
    "payments.attempt",
)
OTHERS = (
    "live.watched",
    "live.left_at",
    "live.said",
    "live.stars",
    "programs.enrolment",
    "assignments.first_grade",
    "payments.revenue",
    "payments.refund",
    "payments.disputed",
    "gateway.rest_seconds",
    "gateway.chat_seconds",
)
NAMES = EventNames([
    FactType(
        event=Happened,
        facts=lambda event, at: (),
        names=(*REGISTERS, *OTHERS),
        registers=REGISTERS,
        activity=("live.watched", "programs.lesson_done", "assignments.turned_in"),
    )
])  # fmt: skip


def at(day: int = 0, hour: int = 12, minute: int = 0) -> datetime:
    """A moment in India."""
    return INDIA.begin(DAY + timedelta(days=day)) + timedelta(hours=hour, minutes=minute)


def window(days: int = 7, first: int = 0) -> Window:
    """So many days in India from that day on."""
    return Window(INDIA.begin(DAY + timedelta(days=first)), INDIA.begin(DAY + timedelta(days=first + days)), INDIA)


class Story:
    """Facts of users and programs of its own, and the figures of its programs."""

    def __init__(self, writer: EventWriter, feature: MeasuresFeature) -> None:
        self._writer = writer
        self._feature = feature
        self._mark = uuid.uuid4().hex[:8]

    def named(self, name: str) -> str:
        """The id of a user, program or session of this story."""
        return f"{name}-{self._mark}" if name else ""

    def fact(
        self, name: str, when: datetime, *, user: str = "", program: str = "p", session: str = "", **others: Any
    ) -> Fact:
        return Fact(
            name=name,
            at=when,
            user_id=self.named(user),
            program_id=self.named(program),
            session_id=self.named(session),
            **others,
        )

    async def tell(self, *facts: Fact, as_of: datetime | None = None) -> None:
        """Store facts; with `as_of` all that was published before is then stored."""
        await self._writer.write([Event.of(fact) for fact in facts], Source.FACTS, as_of)

    def query(
        self, *, scope: Scope = ALL, by: Dimension | None = None, time: Window | None = None, **filters: Any
    ) -> Query:
        """About the programs of this story, `p` where none is named."""
        programs = tuple(self.named(name) for name in filters.pop("programs", ("p",)))
        if session := filters.pop("session", ""):
            filters["session"] = self.named(session)
        return Query(scope=scope, window=time or window(), by=by, filters=Filters(programs=programs, **filters))

    async def parts(self, measure: str, **asked: Any) -> tuple[int | None, int | None]:
        """Numerator and denominator of the whole."""
        found = await self._feature.measures.read(measure, self.query(**asked))
        (total,) = found.total
        return total.numerator, total.denominator

    async def figures(self, measure: str, **asked: Any) -> dict[str, Figure]:
        """The figures by their keys, which are named as the story names them."""
        found = await self._feature.measures.read(measure, self.query(**asked))
        return {one.key.removesuffix(f"-{self._mark}"): one for one in found.figures}

    async def divided(self, measure: str, **asked: Any) -> dict[str, tuple[int | None, int | None]]:
        """Their numerators and denominators, without those of nothing."""
        figures = await self.figures(measure, **asked)
        return {
            key: (one.numerator, one.denominator) for key, one in figures.items() if one.numerator or one.denominator
        }
