"""What a marker's levels and points come to. No IO."""

from __future__ import annotations

from decimal import Decimal

from gateway.errors import invalid
from modules.assignments.decimals import MOST_POINTS, rounded
from modules.assignments.grading.messages import CriterionMark, NewCriterionMark, NewGrade
from modules.assignments.grading.rubric import Rubric


def marks_of(new: NewGrade, rubric: Rubric) -> tuple[CriterionMark, ...]:
    """What is said of each criterion, in the rubric's order. Raises BadInput `invalid` for what it does not have."""
    given = {mark.criterion_id: mark for mark in new.criteria}
    if len(given) != len(new.criteria):
        raise invalid("a criterion is there twice", field="criteria")
    if unknown := given.keys() - {one.id for one in rubric.criteria}:
        raise invalid(f"the rubric has no criterion {min(unknown)}", field="criteria")
    return tuple(_mark(given[one.id], rubric) for one in rubric.criteria if one.id in given)


def points_of(
    marks: tuple[CriterionMark, ...], rubric: Rubric, auto_points: Decimal | None, override: Decimal | None
) -> Decimal | None:
    """The points before lateness; None while they are not all said. Raises BadInput `invalid` for too many."""
    if override is not None:
        return override
    given = [mark.points for mark in marks if mark.points is not None]
    if len(given) < len(rubric.criteria) or (not rubric.criteria and auto_points is None):
        return None
    points = rounded(sum(given, auto_points or Decimal(0)))
    if points > MOST_POINTS:
        raise invalid(f"the points together are more than {MOST_POINTS}", field="criteria")
    return points


def _mark(new: NewCriterionMark, rubric: Rubric) -> CriterionMark:
    points = new.points
    if new.level_id is not None:
        criterion = rubric.criterion(new.criterion_id)
        level = None if criterion is None else criterion.level(new.level_id)
        if level is None:
            raise invalid(f"criterion {new.criterion_id} has no level {new.level_id}", field="criteria")
        # Points beside a level are the marker's own, between two levels.
        points = level.points if points is None else points
    return CriterionMark(new.criterion_id, new.level_id, points, new.comment)
