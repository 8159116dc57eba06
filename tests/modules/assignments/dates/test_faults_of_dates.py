"""Faults of others with dates: see FAULTS.md. The rest of dates is tested beside this file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from modules.assignments.dates.effective import Dates, Grant, Rule, effective_dates
from modules.assignments.dates.late_policy import LateKind, LatePolicy, days_late
from modules.assignments.dates.wall_time import WallTime
from modules.assignments.grading.score import score

TEN_PERCENT = LatePolicy(LateKind.PERCENT, Decimal(10))


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def wall(text: str, zone: str) -> WallTime:
    return WallTime(datetime.fromisoformat(text), zone)


@pytest.mark.parametrize(
    ("due", "turned_in", "days"),
    [
        # The day has 23 hours: a second more than one day of the clock, although less than 24 hours.
        ("2026-03-28T23:59:00", "2026-03-29T23:59:00", 1),
        ("2026-03-28T23:59:00", "2026-03-29T23:59:01", 2),
        # It has 25 hours: within one day of the clock, although more than 24 hours.
        ("2026-10-24T23:59:00", "2026-10-25T23:58:59", 1),
        ("2026-10-24T23:59:00", "2026-10-25T23:59:00", 1),
        ("2026-10-24T23:59:00", "2026-10-31T23:59:00", 7),
    ],
)
def test_fault_3_days_late_are_counted_on_the_calendar(due: str, turned_in: str, days: int) -> None:
    """Fault 3: days late as steps of 24 hours, over a change of the clock."""
    zone = "Europe/Berlin"
    assert days_late(at(turned_in, zone), wall(due, zone)) == days


def test_fault_4_a_date_is_what_the_clock_shows_all_year() -> None:
    """Fault 4: a date made in winter for a day in summer is an hour off when the offset of now is kept."""
    winter, summer = wall("2026-02-10T23:59:00", "America/New_York"), wall("2026-07-10T23:59:00", "America/New_York")
    assert winter.moment() == datetime(2026, 2, 11, 4, 59, tzinfo=UTC)
    assert summer.moment() == datetime(2026, 7, 11, 3, 59, tzinfo=UTC)
    assert days_late(at("2026-07-10T23:58:59", "America/New_York"), summer) == 0
    assert days_late(at("2026-07-10T23:59:01", "America/New_York"), summer) == 1


def test_fault_4_a_date_is_resolved_once() -> None:
    """Fault 4: a later edition of the time zones moves no deadline that was given out."""
    told = datetime(2026, 7, 11, 4, 59, tzinfo=UTC)
    date = WallTime(datetime.fromisoformat("2026-07-10T23:59:00"), "America/New_York", told)
    assert date.moment() == told
    assert days_late(told, date) == 0


def test_fault_5_the_zone_belongs_to_the_date() -> None:
    """Fault 5: one class in India and one in New York are due at the same time of their own clocks."""
    india, america = wall("2026-07-10T23:59:00", "Asia/Kolkata"), wall("2026-07-10T23:59:00", "America/New_York")
    assert america.moment() - india.moment() == timedelta(hours=9, minutes=30)
    between = at("2026-07-11T00:30:00", "Asia/Kolkata")
    assert (days_late(between, india), days_late(between, america)) == (1, 0)
    # Somebody of the class in America with an extension in the zone of India.
    dates = effective_dates(
        Dates(due=america), TEN_PERCENT, Grant("ann", due=wall("2026-07-12T10:00:00", "Asia/Kolkata"))
    )
    assert dates.due_at == datetime(2026, 7, 12, 4, 30, tzinfo=UTC)


def test_fault_6_an_extension_takes_the_penalty_back() -> None:
    """Fault 6: an extension that is granted after the turn-in leaves the old penalty."""
    class_dates = Dates(due=wall("2026-07-10T23:59:00", "Asia/Kolkata"))
    turned_in = at("2026-07-12T20:00:00", "Asia/Kolkata")

    def graded(grant: Grant | None) -> tuple[int, Decimal, Rule]:
        dates = effective_dates(class_dates, TEN_PERCENT, grant)
        late = days_late(turned_in, dates.due)
        return late, score(Decimal("9.35"), late, TEN_PERCENT), dates.rule

    assert graded(None) == (2, Decimal("7.48"), Rule.ASSIGNMENT)
    extension = Grant("ann", due=wall("2026-07-13T00:00:00", "Asia/Kolkata"))
    assert graded(extension) == (0, Decimal("9.35"), Rule.EXTENSION)
    assert graded(Grant("ann", extra_days=1)) == (1, Decimal("8.42"), Rule.ACCOMMODATION)
