"""When a student falls behind, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from modules.analytics.at_risk.messages import Reason
from modules.analytics.at_risk.rules import Rules, Standing, severity
from modules.analytics.at_risk.settings import RiskSettings

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FINE = Standing(
    user_id="ann",
    enrolled_at=NOW - timedelta(days=60),
    sessions=10,
    attended=9,
    due=5,
    turned_in=5,
    lessons=20,
    lessons_done=8,
)


def standing(**changes: object) -> Standing:
    return msgspec.structs.replace(FINE, **changes)


def reasons(student: Standing, *others: Standing, settings: RiskSettings | None = None) -> list[Reason]:
    return Rules(settings or RiskSettings(), [student, *others], NOW).reasons(student)


def test_who_keeps_up_has_no_reason() -> None:
    assert reasons(FINE, FINE) == []


def test_attendance_has_its_figures() -> None:
    assert reasons(standing(attended=5), FINE) == [Reason("attendance", 5, 10, 0.5, 0.6)]
    # Exactly the least share is no reason.
    assert reasons(standing(attended=6), FINE) == []


def test_one_class_says_nothing() -> None:
    assert reasons(standing(sessions=1, attended=0), FINE) == []
    assert reasons(standing(sessions=2, attended=0), FINE) != []
    assert reasons(standing(sessions=0, attended=0), FINE) == []


def test_submissions_have_their_figures() -> None:
    assert reasons(standing(turned_in=2), FINE) == [Reason("submissions", 2, 5, 0.4, 0.6)]
    assert reasons(standing(due=1, turned_in=0), FINE) == []


def test_lessons_are_compared_with_half_of_the_students() -> None:
    others = [standing(lessons_done=done) for done in (8, 10, 12)]
    # The median of 3, 8, 10 and 12 is 9, and half of that is 4.5 of 20.
    assert reasons(standing(lessons_done=3), *others) == [Reason("lessons", 3, 20, 0.15, 0.225)]
    # That of 5, 8, 10 and 12 is the same.
    assert reasons(standing(lessons_done=5), *others) == []


def test_who_has_just_come_is_not_behind_with_lessons() -> None:
    others = [standing(lessons_done=10)] * 3
    assert reasons(standing(lessons_done=0, enrolled_at=NOW - timedelta(days=6)), *others) == []
    assert reasons(standing(lessons_done=0, enrolled_at=NOW - timedelta(days=7)), *others) != []


def test_where_nobody_has_done_lessons_nobody_is_behind() -> None:
    others = [standing(lessons_done=1)] * 3
    assert reasons(standing(lessons_done=0), *others) == []
    assert reasons(standing(lessons=0, lessons_done=0), standing(lessons=0, lessons_done=0)) == []


def test_the_rules_are_settings() -> None:
    strict = RiskSettings(
        risk_attendance=0.95,
        risk_sessions=11,
        risk_submissions=1.0,
        risk_assignments=5,
        risk_lessons=1.0,
        risk_lessons_least=1,
        risk_settled_days=0,
    )
    late = standing(turned_in=4, lessons_done=7)
    assert [one.reason for one in reasons(late, FINE, FINE, settings=strict)] == ["submissions", "lessons"]


def test_who_has_most_reasons_comes_first_and_then_who_is_furthest_below() -> None:
    one, worse = reasons(standing(attended=5), FINE), reasons(standing(attended=1), FINE)
    two = reasons(standing(attended=5, turned_in=2), FINE)
    assert sorted([one, worse, two], key=severity) == [two, worse, one]


@given(
    sessions=st.integers(0, 50),
    attended=st.floats(0, 1),
    due=st.integers(0, 50),
    turned_in=st.floats(0, 1),
    done=st.integers(0, 20),
)
def test_a_share_is_never_over_one_and_always_below_its_least(
    sessions: int, attended: float, due: int, turned_in: float, done: int
) -> None:
    student = standing(
        sessions=sessions,
        attended=int(sessions * attended),
        due=due,
        turned_in=int(due * turned_in),
        lessons_done=done,
    )
    for reason in reasons(student, FINE):
        assert 0 <= reason.numerator <= reason.denominator
        assert reason.value <= reason.least <= 1
