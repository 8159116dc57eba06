"""Effective dates: whatever was granted, nothing is taken away, and the rule that is named gave the date."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.dates.effective import Dates, Grant, Rule, allowed_attempts, effective_dates
from modules.assignments.dates.late_policy import LateKind, LatePolicy
from modules.assignments.dates.wall_time import WallTime

ZONES = ["Asia/Kolkata", "Europe/Berlin", "America/New_York"]
BASE = datetime(2026, 3, 27)
walls = st.builds(
    lambda hours, zone: WallTime(BASE + timedelta(hours=hours), zone), st.integers(0, 240), st.sampled_from(ZONES)
)
policies = st.builds(LatePolicy, st.sampled_from(LateKind))
grants = st.builds(
    Grant,
    st.just("x"),
    st.none() | walls,
    st.none() | walls,
    st.integers(0, 5),
    st.integers(0, 3),
)


@st.composite
def dates(draw: st.DrawFn) -> Dates:
    """In order, as they are checked when they are written."""
    due, closes = draw(st.none() | walls), draw(st.none() | walls)
    if due is not None and closes is not None and closes.moment() < due.moment():
        due, closes = closes, due
    return Dates(None, due, closes)


def never_before(one: WallTime | None, other: WallTime | None) -> bool:
    return one is None or (other is not None and one.moment() >= other.moment())


@given(dates(), policies, st.none() | grants, st.lists(grants, max_size=3))
def test_nothing_that_was_granted_takes_away(
    base: Dates, late: LatePolicy, own: Grant | None, group: list[Grant]
) -> None:
    held = effective_dates(base, late, own, group)
    plain = effective_dates(base, late, None)
    for less in (plain, effective_dates(base, late, own), *(effective_dates(base, late, one) for one in group)):
        assert never_before(held.due, less.due)
        assert never_before(held.closes, less.closes)
    # It closes when it is due, or later.
    assert never_before(held.closes, held.due) or held.due is None
    if late.kind is LateKind.NONE and held.due is not None and base.due is not None:
        assert held.closes is not None
        assert held.closes.moment() == held.due.moment()


@given(dates(), policies, st.none() | grants, st.lists(grants, max_size=3))
def test_the_rule_that_is_named_gave_the_date(
    base: Dates, late: LatePolicy, own: Grant | None, group: list[Grant]
) -> None:
    held = effective_dates(base, late, own, group)
    match held.rule:
        case Rule.ASSIGNMENT:
            assert held.due == base.due
        case Rule.ACCOMMODATION:
            assert own is not None
            assert base.due is not None
            assert held.due == base.due.after(own.extra_days)
        case Rule.EXTENSION:
            assert own is not None
            assert held.due == own.due
        case Rule.GROUP:
            found = {effective_dates(base, late, one).due for one in group}
            assert held.due in found
    # The order of others makes no difference, and who they are none either.
    again = effective_dates(base, late, own, group[::-1])
    assert (again.due and again.due.moment()) == (held.due and held.due.moment())


@given(dates(), policies, st.lists(grants, min_size=1, max_size=4))
def test_all_of_a_group_have_the_same_dates(base: Dates, late: LatePolicy, group: list[Grant]) -> None:
    found = [effective_dates(base, late, one, [other for other in group if other is not one]) for one in group]
    assert len({(one.due_at, one.closes_at) for one in found}) == 1


def test_an_extension_over_the_closing_moves_it() -> None:
    base = Dates(None, WallTime(BASE, "Asia/Kolkata"), WallTime(BASE + timedelta(days=1), "Asia/Kolkata"))
    due = WallTime(BASE + timedelta(days=3), "Europe/Berlin")
    held = effective_dates(base, LatePolicy(), Grant("x", due=due))
    assert (held.due, held.closes, held.rule, held.closes_rule) == (due, due, Rule.EXTENSION, Rule.EXTENSION)
    assert not held.closed(due.moment())
    assert held.closed(due.moment() + timedelta(seconds=1))


def test_an_extension_and_an_accommodation_do_not_add_up() -> None:
    base = Dates(None, WallTime(BASE, "Asia/Kolkata"), None)
    both = Grant("x", due=WallTime(BASE + timedelta(days=1), "Asia/Kolkata"), extra_days=2)
    held = effective_dates(base, LatePolicy(), both)
    assert (held.due, held.rule) == (WallTime(BASE + timedelta(days=2), "Asia/Kolkata"), Rule.ACCOMMODATION)
    # A later closing of the one stays beside a later due date of the other.
    closes = WallTime(BASE + timedelta(days=9), "Asia/Kolkata")
    base = Dates(None, base.due, WallTime(BASE + timedelta(days=3), "Asia/Kolkata"))
    held = effective_dates(base, LatePolicy(), Grant("x", closes=closes, extra_days=2))
    assert (held.rule, held.closes, held.closes_rule) == (Rule.ACCOMMODATION, closes, Rule.EXTENSION)


def test_a_group_has_the_attempts_of_the_member_with_the_most() -> None:
    own, other = Grant("x", extra_attempts=1), Grant("y", extra_attempts=3)
    assert allowed_attempts(2, own, [other]) == 5
    assert allowed_attempts(2, None) == 2
    assert allowed_attempts(None, own) is None
