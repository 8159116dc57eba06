"""Wall times: what a clock shows in a zone, resolved once, and days of the calendar over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.dates.late_policy import days_late
from modules.assignments.dates.wall_time import WallTime, zone_of

ZONES = [
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
]
walls = st.builds(
    WallTime,
    st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31)).map(lambda at: at.replace(microsecond=0)),
    st.sampled_from(ZONES),
)


@pytest.mark.parametrize(
    ("at", "zone", "moment"),
    [
        # A zone of half an hour, one in summer and in winter.
        ("2026-03-29T23:59:00", "Asia/Kolkata", "2026-03-29T18:29:00+00:00"),
        ("2026-03-28T23:59:00", "Europe/Berlin", "2026-03-28T22:59:00+00:00"),
        ("2026-03-29T23:59:00", "Europe/Berlin", "2026-03-29T21:59:00+00:00"),
        # The clock jumps from 2 to 3: this time is not on it, and means what the clock before would have shown.
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),
        # The clock shows it twice: the later one is the deadline.
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T01:30:00+00:00"),
        # A change of half an hour.
        ("2026-04-05T01:45:00", "Australia/Lord_Howe", "2026-04-04T15:15:00+00:00"),
    ],
)
def test_a_wall_time_is_one_moment(at: str, zone: str, moment: str) -> None:
    assert WallTime(datetime.fromisoformat(at), zone).moment() == datetime.fromisoformat(moment)


def test_what_was_stored_with_it_is_its_moment() -> None:
    """A later edition of the time zone database moves no deadline."""
    stored = datetime(2026, 1, 1, 7, 0, tzinfo=UTC)
    assert WallTime(datetime(2026, 1, 1, 12, 0), "Asia/Kolkata", stored).moment() == stored
    assert WallTime(datetime(2026, 1, 1, 12, 0), "Asia/Kolkata", stored).after(1).moment() != stored + timedelta(days=1)


@given(walls)
def test_the_clock_shows_the_wall_time_at_its_moment(wall: WallTime) -> None:
    """But for a time that the zone skips: there it shows one as much later."""
    shown = wall.moment().astimezone(zone_of(wall.zone)).replace(tzinfo=None)
    skipped = wall.at.replace(tzinfo=zone_of(wall.zone)).astimezone(UTC).astimezone(zone_of(wall.zone))
    assert shown == wall.at or skipped.replace(tzinfo=None) != wall.at
    assert wall.at <= shown <= wall.at + timedelta(hours=24)


@given(walls, st.integers(0, 40))
def test_a_day_after_is_the_same_time_of_day(wall: WallTime, days: int) -> None:
    later = wall.after(days)
    assert (later.at.time(), (later.at.date() - wall.at.date()).days) == (wall.at.time(), days)
    # A day has 23 to 25 hours, but for Apia, which skipped one before these years.
    assert abs(later.moment() - wall.moment() - timedelta(days=days)) <= timedelta(hours=2)


@given(walls, st.integers(0, 30), st.integers(1, 86_399))
def test_days_late_are_counted_on_the_calendar(due: WallTime, days: int, seconds: int) -> None:
    """In time up to the due moment; one day late after it, two after the same time of the next day (field fault 3)."""
    assert days_late(due.moment(), due) == 0
    assert days_late(due.moment() + timedelta(seconds=1), due) == 1
    assert days_late(due.after(days).moment(), due) == days
    assert days_late(due.after(days).moment() + timedelta(seconds=1), due) == days + 1
    # Never more for somebody who was earlier.
    at = due.moment() + timedelta(days=days, seconds=seconds)
    assert days_late(at - timedelta(seconds=1), due) <= days_late(at, due) <= days_late(at + timedelta(hours=1), due)


def test_a_day_of_25_hours_is_one_day_late() -> None:
    due = WallTime(datetime(2026, 10, 24, 23, 59), "Europe/Berlin")
    at = due.moment() + timedelta(hours=24, minutes=59)
    assert days_late(at, due) == 1
    spring = WallTime(datetime(2026, 3, 28, 23, 59), "Europe/Berlin")
    assert days_late(spring.moment() + timedelta(hours=23, minutes=1), spring) == 2


def test_the_zone_belongs_to_the_date() -> None:
    """Sections in other zones (field fault 5): the same clock, other moments."""
    at = datetime(2026, 5, 1, 23, 59)
    moments = [WallTime(at, zone).moment() for zone in ("Asia/Kolkata", "Europe/Berlin", "America/New_York")]
    assert moments == sorted(moments)
    assert len({*moments}) == 3
