"""Totals: the rules one by one, and all of them against a slow computation that knows nothing of the other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.gradebook.book import MISSING, Category, Mark, ScoreState, Total, Work, rounded, total_of


def graded(score: str | int) -> Mark:
    return Mark(ScoreState.GRADED, Decimal(score))


def works(*points: int, category: str | None = None) -> list[Work]:
    return [Work(f"a{number}", Decimal(one), category) for number, one in enumerate(points)]


def test_a_total_of_points_without_categories() -> None:
    total = total_of([], works(10, 20, 30), {"a0": graded(7), "a1": graded("12.5")})
    assert total.percent == Decimal("65.00")
    assert total.points is not None
    assert (total.points.earned, total.points.possible) == (Decimal("19.50"), Decimal("30.00"))


def test_nothing_that_counts_is_no_total() -> None:
    assert total_of([], works(10), {}).percent is None
    assert total_of([Category("c", Decimal(100))], works(10), {}).percent is None


def test_missing_work_counts_as_nothing_earned() -> None:
    assert total_of([], works(10, 10), {"a0": graded(10), "a1": MISSING}).percent == Decimal("50.00")


def test_weights_are_scaled_to_the_categories_that_have_grades() -> None:
    categories = [Category("essays", Decimal(60)), Category("tests", Decimal(20)), Category("final", Decimal(20))]
    all_works = [Work("e", Decimal(10), "essays"), Work("t", Decimal(50), "tests"), Work("f", Decimal(100), "final")]
    total = total_of(categories, all_works, {"e": graded(10), "t": graded(25)})
    # (60 · 100 % + 20 · 50 %) / 80
    assert total.percent == Decimal("87.50")
    assert [one.percent for one in total.categories] == [Decimal(100), Decimal(50), None]


def test_work_in_no_category_counts_in_nothing_once_there_are_categories() -> None:
    both = [Work("in", Decimal(10), "c"), Work("out", Decimal(10))]
    assert total_of([Category("c", Decimal(1))], both, {"in": graded(9), "out": graded(0)}).percent == 90


def test_categories_of_no_weight_give_no_total() -> None:
    total = total_of([Category("c", Decimal(0))], works(10, category="c"), {"a0": graded(9)})
    assert total.percent is None
    assert total.categories[0].percent == 90


def test_what_is_dropped_leaves_the_highest_percentage() -> None:
    marks = {"a0": graded(80), "a1": graded(20), "a2": graded(1)}
    total = total_of([Category("c", Decimal(1), 1)], works(100, 100, 20, category="c"), marks)
    # The lowest percentage is a2's, 5 %; without it 50 % are left, and without a1 67.5 %.
    assert total.categories[0].dropped == ("a1",)
    assert total.percent == Decimal("67.50")


def test_of_equals_the_later_is_dropped_and_one_always_stays() -> None:
    marks = {f"a{number}": graded(5) for number in range(3)}
    for drop, dropped in ((1, ("a2",)), (2, ("a1", "a2")), (7, ("a1", "a2"))):
        total = total_of([Category("c", Decimal(1), drop)], works(10, 10, 10, category="c"), marks)
        assert total.categories[0].dropped == dropped


def test_extra_credit_adds_and_is_not_possible() -> None:
    extra = [*works(10), Work("x", Decimal(5), extra_credit=True)]
    assert total_of([], extra, {"a0": graded(9), "x": graded(3)}).percent == 120
    assert total_of([], extra, {"a0": graded(9), "x": MISSING}).percent == 90
    # Alone it has nothing to add to.
    assert total_of([], extra, {"x": graded(3)}).percent is None


def test_a_third_is_rounded_once() -> None:
    categories = [Category(name, Decimal(1)) for name in "abc"]
    thirds = [Work(name, Decimal(3), name) for name in "abc"]
    # The shares are 1/3, 2/3 and 1.
    marks = {"a": graded(1), "b": graded(2), "c": graded(3)}
    assert total_of(categories, thirds, marks).percent == Decimal("66.67")
    # 0.005 % is half of a hundredth.
    assert total_of([], works(20000), {"a0": graded(1)}).percent == Decimal("0.01")


POINTS = st.decimals(min_value=0, max_value=200, places=2)
WORK = st.tuples(POINTS, st.sampled_from(["c0", "c1", "c2", None]), st.booleans())
MARK = st.one_of(
    st.just(None),
    st.just(MISSING),
    st.decimals(min_value=0, max_value=220, places=2).map(lambda score: Mark(ScoreState.GRADED, score)),
)
BOOK = st.lists(st.tuples(WORK, MARK), max_size=9)
CATEGORY = st.tuples(st.decimals(min_value=0, max_value=100, places=2), st.integers(0, 4))


def read(drawn: Sequence[Any], drawn_categories: Sequence[Any]) -> tuple[list[Category], list[Work], dict[str, Mark]]:
    categories = [Category(f"c{number}", weight, drop) for number, (weight, drop) in enumerate(drawn_categories)]
    all_works, marks = [], {}
    for number, ((points, category, extra), mark) in enumerate(drawn):
        all_works.append(Work(f"a{number}", points, category, extra))
        if mark is not None:
            marks[f"a{number}"] = mark
    return categories, all_works, marks


def slowly(categories: list[Category], all_works: list[Work], marks: Mapping[str, Mark]) -> Decimal | None:
    """Every choice of what to drop is tried, with 200 digits."""
    with localcontext() as context:
        context.prec = 200

        def best(chosen: list[Work], drop: int) -> Decimal | None:
            points, added = [], Decimal(0)
            for work in chosen:
                if (mark := marks.get(work.assignment_id)) is None:
                    continue
                score = mark.score if mark.score is not None else Decimal(0)
                if work.extra_credit or work.points == 0:
                    added += score
                else:
                    points.append((score, work.points))
            if not points:
                return None
            keep = max(1, len(points) - drop)
            return max(
                (added + sum(score for score, _ in some)) / sum(possible for _, possible in some)
                for some in itertools.combinations(points, keep)
            )

        if not categories:
            result = best(all_works, 0)
        else:
            shares = [
                (category.weight, best([work for work in all_works if work.category_id == category.id], drop))
                for category in categories
                for drop in [category.drop_lowest]
            ]
            there = [(weight, share) for weight, share in shares if share is not None]
            weights = sum((weight for weight, _ in there), Decimal(0))
            result = sum((weight * share for weight, share in there), Decimal(0)) / weights if weights else None
        if result is None:
            return None
        # 200 digits of a repeating fraction may end just below a half: half a unit of the 150th place mends it.
        return (result * 100).quantize(Decimal(1).scaleb(-150)).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(BOOK, st.lists(CATEGORY, max_size=3))
def test_totals_are_those_of_a_slow_computation(drawn: Sequence[Any], drawn_categories: Sequence[Any]) -> None:
    categories, all_works, marks = read(drawn, drawn_categories)
    assert total_of(categories, all_works, marks).percent == slowly(categories, all_works, marks)


@given(BOOK, st.lists(CATEGORY, min_size=1, max_size=3))
def test_what_is_dropped_is_what_the_percentage_says(drawn: Sequence[Any], drawn_categories: Sequence[Any]) -> None:
    categories, all_works, marks = read(drawn, drawn_categories)
    total = total_of(categories, all_works, marks)
    dropped = {id for one in total.categories for id in one.dropped}
    without = [work for work in all_works if work.assignment_id not in dropped]
    undropped = [Category(one.id, one.weight) for one in categories]
    assert percents(total_of(undropped, without, marks)) == percents(total)


def percents(total: Total) -> list[Decimal | None]:
    return [total.percent, *(one.percent for one in total.categories)]


@given(BOOK, st.lists(CATEGORY, max_size=3), st.integers(1, 7))
def test_the_scale_of_the_weights_changes_nothing(
    drawn: Sequence[Any], drawn_categories: Sequence[Any], factor: int
) -> None:
    categories, all_works, marks = read(drawn, drawn_categories)
    scaled = [Category(one.id, one.weight * factor, one.drop_lowest) for one in categories]
    assert total_of(scaled, all_works, marks) == total_of(categories, all_works, marks)


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=10**6))
def test_rounding_is_half_up(value: Fraction) -> None:
    result = rounded(value)
    assert -Fraction(1, 200) < Fraction(result) - value <= Fraction(1, 200)
    assert result.as_tuple().exponent == -2
