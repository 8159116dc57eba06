"""How the scores of an assignment are spread. Pure: only grades count, missing work is none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final

import msgspec

from modules.assignments.gradebook.book import rounded

# Each bar of the histogram is a tenth of the points; the last one has all of the points and more.
BARS: Final = 10


class Spread(msgspec.Struct, frozen=True):
    """Of `count` scores. Quartiles lie between two scores in proportion, as spreadsheets reckon them (QUARTILE.INC).

    `histogram` counts the scores of each tenth of the points: from 0 to below 10 %, …, from 90 % on.
    """

    count: int
    mean: Decimal
    lower_quartile: Decimal
    median: Decimal
    upper_quartile: Decimal
    histogram: tuple[int, ...]


def spread_of(scores: Sequence[Decimal], points: Decimal) -> Spread | None:
    """None without scores."""
    if not scores:
        return None
    ordered = sorted(Fraction(score) for score in scores)
    bars = [0] * BARS
    for score in ordered:
        bars[min(floor(score * BARS / Fraction(points)), BARS - 1) if points else BARS - 1] += 1
    return Spread(
        count=len(ordered),
        mean=rounded(sum(ordered, Fraction(0)) / len(ordered)),
        lower_quartile=rounded(_quantile(ordered, Fraction(1, 4))),
        median=rounded(_quantile(ordered, Fraction(1, 2))),
        upper_quartile=rounded(_quantile(ordered, Fraction(3, 4))),
        histogram=tuple(bars),
    )


def _quantile(ordered: Sequence[Fraction], share: Fraction) -> Fraction:
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
