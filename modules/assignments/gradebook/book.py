"""The total of a student: the only function that adds up grades. Pages, files and completion all show its result.

- What counts: a score that may be seen, and missing work, as 0. Work without a score counts neither for nor against.
- With categories a total is the mean of their percentages by weight. Only categories with something that counts take
  part, so the weights are scaled to those. Work in no category counts in nothing then. A program without categories
  has one total, of points.
- The lowest `drop_lowest` of a category are dropped: those whose absence leaves the highest percentage, which are not
  always those of the lowest percentage. On a tie the later one is dropped. One always stays.
- Extra credit adds its score, and nothing to what is possible. It is never dropped, and is no missing work. It counts
  where something else counts too. So percentages may be above 100.

It is computed in fractions of whole numbers, so it is exact. Each number that is shown is rounded once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Final

import msgspec

HALF: Final = Fraction(1, 2)
NOTHING: Final = Fraction(0)


class ScoreState(StrEnum):
    """What a student has for an assignment, as far as the reader may see."""

    GRADED = "graded"
    MISSING = "missing"
    """Nothing was turned in, and the student's own dates are over. It counts as 0."""
    UNGRADED = "ungraded"
    """Nothing counts: there is no grade that may be seen."""


class Category(msgspec.Struct, frozen=True):
    """`weight` is in percent of the total, before it is scaled."""

    id: str
    weight: Decimal
    drop_lowest: int = 0


class Work(msgspec.Struct, frozen=True):
    """An assignment as it counts. A book has its works in order."""

    assignment_id: str
    points: Decimal
    category_id: str | None = None
    extra_credit: bool = False


class Mark(msgspec.Struct, frozen=True):
    """`score` is after lateness; it is given with GRADED alone."""

    state: ScoreState
    score: Decimal | None = None


class Subtotal(msgspec.Struct, frozen=True):
    """What was earned of what was possible, without what was dropped. `percent` is null when nothing was possible."""

    category_id: str | None
    earned: Decimal
    possible: Decimal
    percent: Decimal | None
    dropped: tuple[str, ...] = ()


class Total(msgspec.Struct, frozen=True):
    """`percent` is null while nothing counts. `categories` are those of the program, in order."""

    percent: Decimal | None
    categories: tuple[Subtotal, ...]
    # Of a program without categories.
    points: Subtotal | None = None


UNGRADED: Final = Mark(ScoreState.UNGRADED)
MISSING: Final = Mark(ScoreState.MISSING)


def total_of(categories: Sequence[Category], works: Sequence[Work], marks: Mapping[str, Mark]) -> Total:
    """The total of one student. `marks` are by assignment; what is in none is ungraded."""
    if not categories:
        sums = _Sums.of(works, marks, drop=0)
        return Total(_percent(sums.ratio), (), sums.subtotal(None))
    weighted, weights = NOTHING, NOTHING
    subtotals = []
    for category in categories:
        theirs = [work for work in works if work.category_id == category.id]
        sums = _Sums.of(theirs, marks, category.drop_lowest)
        subtotals.append(sums.subtotal(category.id))
        if sums.ratio is not None:
            weight = Fraction(category.weight)
            weighted += weight * sums.ratio
            weights += weight
    return Total(_percent(weighted / weights if weights else None), tuple(subtotals))


def rounded(value: Fraction) -> Decimal:
    """Two decimals, half of a hundredth up. `value` is not below 0."""
    return Decimal(floor(value * 100 + HALF)).scaleb(-2)


class _Counted(msgspec.Struct, frozen=True):
    """A work that counts and may be dropped."""

    assignment_id: str
    place: int
    score: Fraction
    points: Fraction


class _Sums(msgspec.Struct, frozen=True):
    earned: Fraction
    possible: Fraction
    dropped: tuple[str, ...]

    @classmethod
    def of(cls, works: Iterable[Work], marks: Mapping[str, Mark], drop: int) -> _Sums:
        counted, extra = [], NOTHING
        for place, work in enumerate(works):
            mark = marks.get(work.assignment_id, UNGRADED)
            if mark.state is ScoreState.UNGRADED:
                continue
            score = Fraction(mark.score or 0)
            if work.extra_credit or not work.points:
                extra += score
            else:
                counted.append(_Counted(work.assignment_id, place, score, Fraction(work.points)))
        if not counted:
            # Nothing was possible, so there is no percentage to add to.
            return cls(extra, NOTHING, ())
        kept = _kept(counted, extra, max(len(counted) - drop, 1))
        stays = {one.assignment_id for one in kept}
        return cls(
            extra + sum(one.score for one in kept),
            sum((one.points for one in kept), NOTHING),
            tuple(one.assignment_id for one in counted if one.assignment_id not in stays),
        )

    @property
    def ratio(self) -> Fraction | None:
        return self.earned / self.possible if self.possible else None

    def subtotal(self, category_id: str | None) -> Subtotal:
        return Subtotal(category_id, rounded(self.earned), rounded(self.possible), _percent(self.ratio), self.dropped)


def _kept(works: Sequence[_Counted], extra: Fraction, count: int) -> Sequence[_Counted]:
    """Those `count` works that together, with the extra credit, have the highest share of their points.

    Dinkelbach's method: of a share that can be reached, take those works that are furthest above it; they reach a
    higher one, or the same when it is the highest. It is exact in fractions, and ends after a few rounds.
    """
    if count >= len(works):
        return works
    reached = NOTHING
    while True:
        share = reached
        best = sorted(works, key=lambda one: (share * one.points - one.score, one.place))[:count]
        reached = (extra + sum(one.score for one in best)) / sum(one.points for one in best)
        if reached == share:
            return best


def _percent(ratio: Fraction | None) -> Decimal | None:
    return None if ratio is None else rounded(ratio * 100)
