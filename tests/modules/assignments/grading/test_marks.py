"""What levels, points and questions come to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.errors import BadInput
from modules.assignments.decimals import MOST_POINTS
from modules.assignments.grading.marks import marks_of, points_of
from modules.assignments.grading.messages import NewCriterionMark, NewGrade
from modules.assignments.grading.rubric import Criterion, Level, Rubric
from modules.assignments.grading.visibility import GradeState

LEVELS = (Level("best", "Complete", Decimal("4.00")), Level("none", "None", Decimal("0.00")))
RUBRIC = Rubric.of("a", [Criterion("proof", "Proof", "", LEVELS), Criterion("style", "Style", "", LEVELS)], 1)
NO_RUBRIC = Rubric.of("a", (), 0)


def total(*marks: NewCriterionMark, auto: str | None = None, override: str | None = None) -> Decimal | None:
    new = NewGrade("a", GradeState.DRAFT, list(marks), None if override is None else Decimal(override))
    auto_points = None if auto is None else Decimal(auto)
    return points_of(marks_of(new, RUBRIC), RUBRIC, auto_points, new.points)


def test_levels_and_own_points_add_up() -> None:
    proof, style = NewCriterionMark("proof", "best"), NewCriterionMark("style", points=Decimal("1.25"))
    assert total(style, proof) == Decimal("5.25")
    assert total(style, proof, auto="2") == Decimal("7.25")
    # Between two levels the marker's points count.
    assert total(NewCriterionMark("proof", "best", Decimal("3.5")), style) == Decimal("4.75")


def test_without_all_criteria_there_are_no_points() -> None:
    proof = NewCriterionMark("proof", "best")
    assert total(proof) is None
    assert total(proof, NewCriterionMark("style", comment="Later")) is None
    assert total(proof, override="9") == 9


def test_without_a_rubric_the_points_are_the_marker_s_or_the_key_s() -> None:
    assert points_of((), NO_RUBRIC, None, None) is None
    assert points_of((), NO_RUBRIC, Decimal("3.00"), None) == 3
    assert points_of((), NO_RUBRIC, None, Decimal("2.50")) == Decimal("2.50")


@pytest.mark.parametrize(
    "marks",
    [
        [NewCriterionMark("other")],
        [NewCriterionMark("proof"), NewCriterionMark("proof")],
        [NewCriterionMark("proof", "middle")],
    ],
)
def test_what_the_rubric_does_not_have_is_refused(marks: list[NewCriterionMark]) -> None:
    with pytest.raises(BadInput):
        total(*marks)


def test_points_that_no_column_holds_are_refused() -> None:
    most = NewCriterionMark("proof", points=MOST_POINTS)
    assert total(most, NewCriterionMark("style", "none")) == MOST_POINTS
    with pytest.raises(BadInput):
        total(most, NewCriterionMark("style", points=Decimal("0.01")))
