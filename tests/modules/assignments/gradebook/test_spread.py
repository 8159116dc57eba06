"""How scores are spread: against the standard library's quantiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.gradebook.book import rounded
from modules.assignments.gradebook.statistics import BARS, spread_of

SCORES = st.lists(st.decimals(min_value=0, max_value=120, places=2), min_size=2, max_size=30)


def test_no_scores_have_no_spread() -> None:
    assert spread_of([], Decimal(10)) is None


def test_each_tenth_begins_with_its_lower_end() -> None:
    spread = spread_of([Decimal(score) for score in ("0", "0.99", "1", "9", "9.99", "10", "12")], Decimal(10))
    assert spread is not None
    assert spread.histogram == (2, 1, 0, 0, 0, 0, 0, 0, 0, 4)


def test_an_assignment_of_no_points_has_all_in_the_last_bar() -> None:
    spread = spread_of([Decimal(0), Decimal(1)], Decimal(0))
    assert spread is not None
    assert spread.histogram[-1] == 2
    assert spread.median == Decimal("0.50")


@given(SCORES)
def test_the_numbers_are_those_of_the_standard_library(scores: Sequence[Decimal]) -> None:
    spread = spread_of(scores, Decimal(100))
    exact = [Fraction(score) for score in scores]
    lower, median, upper = statistics.quantiles(exact, n=4, method="inclusive")
    assert spread is not None
    assert (spread.count, len(spread.histogram)) == (len(scores), BARS)
    assert spread.mean == rounded(statistics.mean(exact))
    assert (spread.lower_quartile, spread.median, spread.upper_quartile) == (
        rounded(lower),
        rounded(median),
        rounded(upper),
    )
    assert sum(spread.histogram) == len(scores)
