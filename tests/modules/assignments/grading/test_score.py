"""A score is rounded once, at its end: fault 8."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.dates.late_policy import LateKind, LatePolicy
from modules.assignments.grading.score import deduction, score

PERCENT = st.decimals("0", "100", places=2)
POINTS = st.decimals("0", "9999999.99", places=2)


@pytest.mark.parametrize(
    ("points", "days", "policy", "expected"),
    [
        ("9.99", 3, LatePolicy(LateKind.NONE), "9.99"),
        ("9.99", 3, LatePolicy(LateKind.ACCEPT), "9.99"),
        ("9.99", 0, LatePolicy(LateKind.PERCENT, Decimal(10)), "9.99"),
        # Rounded at each day it would be 8.10 and then 7.28.
        ("9.99", 2, LatePolicy(LateKind.PERCENT, Decimal(10)), "7.99"),
        ("0.05", 1, LatePolicy(LateKind.PERCENT, Decimal(50)), "0.03"),
        ("10.00", 30, LatePolicy(LateKind.PERCENT, Decimal(10), Decimal(40)), "4.00"),
        ("10.00", 30, LatePolicy(LateKind.PERCENT, Decimal(10)), "0.00"),
    ],
)
def test_what_is_left(points: str, days: int, policy: LatePolicy, expected: str) -> None:
    assert str(score(Decimal(points), days, policy)) == expected


@given(POINTS, st.integers(0, 400), PERCENT, PERCENT)
def test_it_is_the_exact_number_rounded_once(points: Decimal, days: int, percent: Decimal, floor: Decimal) -> None:
    policy = LatePolicy(LateKind.PERCENT, percent, floor)
    found = score(points, days, policy)
    kept = max(100 - Fraction(percent) * days, Fraction(floor), Fraction(0)) / 100
    exact = Fraction(points) * kept
    # Half up: the exact number is less than half a hundredth above, and at most that below.
    assert Fraction(-1, 200) < Fraction(found) - exact <= Fraction(1, 200)
    assert found + deduction(points, days, policy) == points
