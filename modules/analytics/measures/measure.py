"""What a measure is: a definition, and how its figures are read.

A figure is a numerator and a denominator that are whole numbers, and the value that comes of them. Both are shown
with it, so that two figures that differ can be compared.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.principal import Role
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.window import Window
from modules.analytics.measures.zone import Step

if TYPE_CHECKING:
    from modules.analytics.measures.reading import Reading


class Unit(enum.StrEnum):
    """What the value of a figure is counted in. Money is minor units, and a ratio is between 0 and 1."""

    COUNT = "count"
    RATIO = "ratio"
    SECONDS = "seconds"
    MONEY = "money"
    STARS = "stars"
    MILLISECONDS = "milliseconds"


class Dimension(enum.StrEnum):
    """By what a measure may be divided. `kind` is what the measure itself names, such as the ways to take part."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    PROGRAM = "program"
    SESSION = "session"
    KIND = "kind"

    @property
    def step(self) -> Step | None:
        """The length of its points, where it is one of time."""
        return Step(self.value) if self.value in [step.value for step in Step] else None


TIME: Final = (Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
STAFF: Final = frozenset({Role.MENTOR, Role.ADMIN})
ADMINS: Final = frozenset({Role.ADMIN})


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Only facts of these programs, of this session, of this kind; empty: of all."""

    programs: tuple[str, ...] = ()
    session: str = ""
    kind: str = ""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a measure. Its scope says what the caller may see; the filters make it narrower."""

    scope: Scope
    window: Window
    by: Dimension | None = None
    filters: Filters = Filters()

    @property
    def key(self) -> str:
        """Names the question in the keys of caches, with whose it is."""
        return repr((self.scope.key, self.window.key, self.by, self.filters))


class Parts(msgspec.Struct, frozen=True):
    """A figure before it is shown. Without a `value` it is numerator / denominator, or the numerator alone.

    `people` is how many are behind it, where that is not its denominator; a figure of too few is hidden.
    """

    numerator: int
    denominator: int | None = None
    value: float | None = None
    people: int | None = None

    @property
    def shown(self) -> float | None:
        """The value; None where the denominator is 0."""
        if self.value is not None or self.denominator is None:
            return self.numerator if self.value is None else self.value
        return self.numerator / self.denominator if self.denominator else None


# The figures of one time or one key, by currency: "" for what is no money.
ByCurrency = Mapping[str, Parts]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a measure has read: of the whole window, of the window before it, and of each key of the dimension.

    A key of a day, week or month is its first day, such as 2026-11-30. Days without facts may be left out.
    """

    total: ByCurrency
    previous: ByCurrency
    groups: Mapping[str, ByCurrency] = {}


@dataclass(frozen=True, kw_only=True)
class Measure(ABC):
    """A measure with its definition. The texts are English; the catalogues of `locale/` have them in other languages.

    `target` is what the business wants to reach at least.

    `registers` are the names of facts of which the latest of each key counts, `rollups` those of which all count; what
    they come to is in `Reading`. `others` are read by the measure itself.

    `roles` may read it; students read it of themselves, where `personal` says that its facts are about one user.
    The figures of a `discreet` measure are hidden where fewer people than KSMP_ANALYTICS_GROUP_LEAST are behind them.
    A measure of `state` says how things stand at the end of the window, others what happened within it.
    `from_clients` says that clients sent what is counted; such a measure is never a headline.
    """

    name: str
    title: str
    unit: Unit
    definition: str
    numerator: str
    denominator: str = ""
    registers: tuple[str, ...] = ()
    rollups: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    dimensions: Collection[Dimension] = TIME
    # What `kind` means in this measure, and what kinds are called that do not speak for themselves.
    kinds: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    target: float | None = None
    roles: frozenset[Role] = STAFF
    personal: bool = False
    discreet: bool = False
    state: bool = False
    from_clients: bool = False
    # Whether a lower figure is better, as for times.
    lower_is_better: bool = False
    # How long after the end of a time its figure may still change, because it asks what followed.
    lag: timedelta = timedelta()
    # Whether a day, week or month without facts is a figure of nothing; otherwise it is left out.
    fills: bool = True

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the facts that are counted."""
        return (*self.registers, *self.rollups, *self.others)

    @abstractmethod
    async def read(self, reading: Reading) -> Result:
        """The figures that `reading.query` asks for. Raises Unavailable."""

    @property
    def nothing(self) -> Parts:
        """The figure of a time in which nothing happened."""
        return Parts(0, 0 if self.denominator else None)

    def may_read(self, scope: Scope) -> bool:
        """Whether a caller with this scope may read it."""
        return self.personal if scope.own else scope.role in self.roles
