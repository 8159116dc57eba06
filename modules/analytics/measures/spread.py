"""Figures that a statement of a measure's own has read, put into their places. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from modules.analytics.errors import too_many_rows
from modules.analytics.measures.measure import ByCurrency, Parts, Result
from modules.analytics.measures.zone import Span

# The number of the time before the window, as `width_bucket` counts the times between the boundaries of a reading.
BEFORE = 1


class Placed(msgspec.Struct, frozen=True):
    """A numerator and a denominator of the `span`th time (from 1 on) and of one key."""

    span: int
    key: str
    numerator: int
    denominator: int

    @classmethod
    def rows(cls, rows: Sequence[Mapping[str, Any]], most: int) -> list[Self]:
        """Raises BadInput `analytics.too_many_rows`."""
        if len(rows) > most:
            raise too_many_rows(most)
        return [msgspec.convert(dict(row), cls) for row in rows]


def spread(placed: Sequence[Placed], spans: Sequence[Span]) -> Result:
    """The figures of a measure whose parts may be added up over times and keys."""
    groups: dict[str, ByCurrency] = {}
    inside = [one for one in placed if one.span > BEFORE]
    for one in inside:
        key = spans[one.span - BEFORE - 1].day.isoformat() if spans else one.key
        if key:
            groups[key] = {"": Parts(one.numerator, one.denominator)}
    return Result(
        total={"": _sum(inside)},
        previous={"": _sum([one for one in placed if one.span == BEFORE])},
        groups=groups,
    )


def _sum(placed: Sequence[Placed]) -> Parts:
    return Parts(sum(one.numerator for one in placed), sum(one.denominator for one in placed))
