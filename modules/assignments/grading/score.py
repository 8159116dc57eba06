"""What a grade counts. The one function for page, JSON, CSV, XLSX, statistics and events."""

from __future__ import annotations

from decimal import Decimal

from modules.assignments.dates.late_policy import LatePolicy
from modules.assignments.decimals import EXACT, rounded


def score(points_given: Decimal, days_late: int, policy: LatePolicy) -> Decimal:
    """The points that are left of those given after so many days late; rounded here, and only here.

    Points given may be more than the assignment has. The days are of now: they are derived from the dates that hold for
    the student, so an extension gives back what lateness took.
    """
    return rounded(EXACT.multiply(points_given, policy.kept(days_late)))


def deduction(points_given: Decimal, days_late: int, policy: LatePolicy) -> Decimal:
    """What lateness took: both together are the points given."""
    return rounded(points_given) - score(points_given, days_late, policy)
