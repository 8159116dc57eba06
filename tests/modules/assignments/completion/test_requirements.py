"""What is needed and what is reached: shares are rounded once, and compared as they are shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.assignments.completion.requirements import CompletionRule, requirements_of, share
from modules.live.facade import Attended
from modules.programs.facade import LessonsDone


def rule(**needed: str) -> CompletionRule:
    return CompletionRule(program_id="p", **{name: Decimal(one) for name, one in needed.items()})


def met(rule: CompletionRule, lessons: int, present: int, grade: str | None) -> list[bool]:
    total = None if grade is None else Decimal(grade)
    return [one.met for one in requirements_of(rule, LessonsDone(lessons, 3), Attended(present, 4), total)]


def test_only_what_is_asked_for_is_a_requirement() -> None:
    assert not rule().asks
    assert met(rule(), 3, 4, "100") == []
    assert met(rule(grade="40"), 0, 0, "40.00") == [True]


def test_each_requirement_is_met_at_its_number() -> None:
    asked = rule(lessons="66.67", attendance="75", grade="40.00")
    assert met(asked, 2, 3, "40.00") == [True, True, True]
    assert met(asked, 1, 2, "39.99") == [False, False, False]


@pytest.mark.parametrize("needed", ["0", "50"])
def test_where_there_is_nothing_to_reach_nothing_is_met(needed: str) -> None:
    asked = rule(lessons=needed, attendance=needed, grade=needed)
    found = requirements_of(asked, LessonsDone(0, 0), Attended(0, 0), None)
    assert [(one.reached, one.met) for one in found] == [(None, False)] * 3


def test_a_share_is_rounded_half_up() -> None:
    assert (share(1, 3), share(2, 3), share(1, 8)) == (Decimal("33.33"), Decimal("66.67"), Decimal("12.50"))
    assert share(1, 20_000) == Decimal("0.01")
