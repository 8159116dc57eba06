"""A history of an assignment, and what it must come to: computed from scratch, by other means than the gateway's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import combinations
from typing import Any, Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)


@dataclass
class Due:
    """By the wall clock of a zone."""

    wall: datetime
    zone: str

    def moment(self) -> datetime:
        return self.wall.replace(tzinfo=ZoneInfo(self.zone))

    def days_late(self, at: datetime) -> int:
        late = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) - self.wall
        return max(0, -(-late // DAY))


@dataclass
class Given:
    """A grade: every version as (points, whether it is final), and the version that was released."""

    versions: list[tuple[Fraction, bool]] = field(default_factory=list)
    released: int | None = None


@dataclass
class Attempt:
    id: str
    receipt: dict[str, Any]
    at: datetime
    given: Given = field(default_factory=Given)
    reclaimed: bool = False


@dataclass
class Own:
    """What one student has done for one assignment."""

    attempts: list[Attempt] = field(default_factory=list)
    extension: Due | None = None

    @property
    def counting(self) -> Attempt | None:
        return next((one for one in reversed(self.attempts) if not one.reclaimed), None)


@dataclass
class Set:
    """An assignment with its policy; `percent` is of each day late."""

    id: str
    points: Fraction
    percent: Fraction
    floor: Fraction
    at_once: bool
    due: Due
    works: dict[str, Own] = field(default_factory=dict)

    def due_of(self, user: str, extra_days: int) -> Due:
        """What was granted is compared by its moment; the latest holds."""
        own = [self.due, Due(self.due.wall + extra_days * DAY, self.due.zone)]
        own += [one for one in [self.works[user].extension] if one is not None]
        return max(own, key=lambda due: due.moment())

    def score(self, attempt: Attempt, version: int, user: str, extra_days: int) -> Fraction:
        days = self.due_of(user, extra_days).days_late(attempt.at)
        kept = max(100 - self.percent * days, self.floor, Fraction(0)) / 100
        return rounded(attempt.given.versions[version][0] * kept)


def rounded(value: Fraction) -> Fraction:
    """Two decimals, half of a hundredth up."""
    whole, rest = divmod(value * 100, 1)
    return Fraction(int(whole) + (rest * 2 >= 1), 100)


def percent_of(scores: list[tuple[Fraction, Fraction]], drop: int) -> Fraction | None:
    """The best share that is left when `drop` of these (score, points) are dropped; all ways are tried."""
    if not scores:
        return None
    keep = max(len(scores) - drop, 1)
    best = max(
        Fraction(sum((score for score, _ in some), Fraction(0)), 1) / sum((points for _, points in some), Fraction(0))
        for some in combinations(scores, keep)
    )
    return rounded(best * 100)
