"""What the routes of boards take and answer.

A widget is a question in a small language: a measure, a dimension, filters and a window, each of a list that is known.
None of it is text of SQL, and all of it is looked up before a statement is made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.http.moments import DAY_OR_MOMENT
from gateway.principal import Role
from gateway.text import LINE, Texts
from modules.analytics.measures.measure import Dimension
from modules.analytics.measures.zone import Step

MeasureName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$", description="As `GET /analytics/measures` says")]
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
KindName = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
When = Annotated[str, Meta(pattern=DAY_OR_MOMENT, description="A day, such as 2026-04-01, or a moment of RFC 3339")]
Title = Annotated[str, Meta(min_length=1, max_length=200), LINE]
# How the page draws it; the figures are the same.
Chart = Literal["number", "line", "bar", "table"]

BOARD: Final = UUID("01a2130d-48bf-7174-b972-596a06fb2361")
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class Recent(msgspec.Struct, frozen=True, tag="recent", tag_field="kind", kw_only=True):
    """The last days, weeks or months until the end of today; the running one is one of them."""

    last: Annotated[int, Meta(ge=1, le=1000)]
    step: Step = Step.DAY

    @classmethod
    def example(cls) -> Recent:
        return cls(last=28)


class Fixed(msgspec.Struct, frozen=True, tag="fixed", tag_field="kind", kw_only=True):
    """From a time until before another one. A day means its beginning in the platform's time zone.

    Without `until` it goes to the end of today, and without `from` it has 28 days.
    """

    since: When | None = msgspec.field(name="from", default=None)
    until: When | None = None


class WidgetFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is of these programs, of this session, of this kind; what is left out filters nothing."""

    programs: Annotated[list[Id], Meta(max_length=50)] = []
    session: Id | None = None
    kind: KindName | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a widget asks. It is answered with the rights of whoever reads it."""

    measure: MeasureName
    by: Dimension | None = None
    filters: WidgetFilters = msgspec.field(default_factory=WidgetFilters)
    # A factory: generators of clients cannot read a default of a choice from the description.
    window: Recent | Fixed = msgspec.field(default_factory=lambda: Recent(last=28))

    @classmethod
    def example(cls) -> Question:
        return cls(measure="attendance", by=Dimension.WEEK, window=Recent(last=12, step=Step.WEEK))


class Widget(Texts, frozen=True, kw_only=True):
    """One chart or number of a board."""

    title: Title
    chart: Chart
    question: Question

    @classmethod
    def example(cls) -> Widget:
        return cls(title="Attendance by week", chart="line", question=Question.example())


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """Who may open the board by its link besides its owner. They see what they have a right to, as everywhere.

    Everybody of a role, those who take part in a program, and single users.
    """

    roles: Annotated[list[Role], Meta(max_length=len(Role))] = []
    programs: Annotated[list[Id], Meta(max_length=100)] = []
    users: Annotated[list[Id], Meta(max_length=100)] = []

    def added_to(self, before: Sharing) -> Sharing:
        """Those with whom it was not shared before."""
        return Sharing(
            roles=[role for role in self.roles if role not in before.roles],
            programs=[program for program in self.programs if program not in before.programs],
            users=[user for user in self.users if user not in before.users],
        )

    @property
    def anybody(self) -> bool:
        """Whether it is shared at all."""
        return bool(self.roles or self.programs or self.users)


# More than any setting allows is not read.
Widgets = Annotated[list[Widget], Meta(max_length=200)]


class NewBoard(Texts, frozen=True, kw_only=True):
    """A board with its widgets, in the order in which they are shown."""

    title: Title
    widgets: Widgets
    sharing: Sharing = msgspec.field(default_factory=Sharing)

    @classmethod
    def example(cls) -> NewBoard:
        return cls(title="My classes", widgets=[Widget.example()])


class BoardChange(Texts, frozen=True, kw_only=True):
    """What is left out stays. `widgets` and `sharing` take the place of those there were."""

    title: Title | UnsetType = UNSET
    widgets: Widgets | UnsetType = UNSET
    sharing: Sharing | UnsetType = UNSET

    @classmethod
    def example(cls) -> BoardChange:
        return cls(title="My classes this term")


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A board as it is stored."""

    id: UUID
    owner_id: str
    title: str
    widgets: list[Widget]
    sharing: Sharing
    created_at: datetime
    changed_at: datetime
    rev: int


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """A board. Only its owner sees with whom it is shared; to others `sharing` is null. `link` opens its page."""

    id: UUID
    owner_id: str
    title: str
    widgets: list[Widget]
    sharing: Sharing | None
    link: str
    created_at: datetime
    changed_at: datetime
    rev: int

    @classmethod
    def example(cls) -> BoardView:
        return cls(
            id=BOARD,
            owner_id="meera",
            title="My classes",
            widgets=[Widget.example()],
            sharing=Sharing(roles=[Role.MENTOR]),
            link=f"/dashboards?board={BOARD}",
            created_at=AT,
            changed_at=AT,
            rev=1,
        )
