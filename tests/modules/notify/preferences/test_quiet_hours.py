"""Quiet hours end once a night, by the clock of every zone, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modules.notify.preferences.quiet_hours import QuietHours

MINUTE = timedelta(minutes=1)
NIGHT = QuietHours(time(22), time(7))
# Half and quarter hours, a change of half an hour, a change at midnight, and a zone that skipped a day.
ZONES = [
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
]

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
walls = st.builds(time, st.integers(0, 23), st.integers(0, 59))
hours = st.tuples(walls, walls).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: QuietHours(*pair))


def changes(now: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone changes its clock within two days."""
    days = (now + timedelta(hours=step) for step in range(-48, 49))
    return len({moment.astimezone(zone).utcoffset() for moment in days}) > 1


@given(now=moments, zone=zones, quiet=hours)
# Each has its clock put forward or back in this night.
@example(now=datetime(2026, 3, 29, 0, 30, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"), quiet=NIGHT)
@example(
    now=datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
    zone=ZoneInfo("Europe/Berlin"),
    quiet=QuietHours(time(22), time(2, 30)),
)
@example(now=datetime(2011, 12, 30, 9, 30, tzinfo=UTC), zone=ZoneInfo("Pacific/Apia"), quiet=NIGHT)
def test_they_end_later_than_now_and_stay_ended(now: datetime, zone: ZoneInfo, quiet: QuietHours) -> None:
    until = quiet.until(now, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=26)
    # Nobody waits a second time for the same night.
    assert quiet.until(until, zone) is None
    # All of the stretch ends at one moment.
    assert quiet.until(now + (until - now) / 2, zone) == until
    shown = until.astimezone(zone)
    if not changes(until, zone):
        assert shown.time() == quiet.end


@given(now=moments, zone=zones, quiet=hours)
def test_away_from_changes_they_are_what_the_clock_shows(now: datetime, zone: ZoneInfo, quiet: QuietHours) -> None:
    if changes(now, zone):
        return
    wall = now.astimezone(zone).time()
    over_midnight = quiet.end < quiet.start
    inside = wall >= quiet.start or wall < quiet.end if over_midnight else quiet.start <= wall < quiet.end
    assert (quiet.until(now, zone) is not None) == inside


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Asia/Kolkata", "2026-11-30T16:29:59Z", None),
        ("Asia/Kolkata", "2026-11-30T16:30:00Z", "2026-12-01T01:30:00Z"),
        ("Asia/Kolkata", "2026-12-01T01:30:00Z", None),
        # The clock goes forward in the night, and back in the other one.
        ("Europe/Berlin", "2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"),
        ("Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"),
    ],
)
def test_a_night(zone: str, now: str, until: str | None) -> None:
    found = NIGHT.until(datetime.fromisoformat(now), ZoneInfo(zone))
    assert found == (None if until is None else datetime.fromisoformat(until))


def test_an_end_that_comes_twice_is_the_second_and_one_that_is_skipped_is_later() -> None:
    zone = ZoneInfo("Europe/Berlin")
    twice = QuietHours(time(22), time(2, 30))
    # At 02:10 for the first time: the clock shows 02:30 in 20 minutes, and again in 80.
    assert twice.until(datetime(2026, 10, 25, 0, 10, tzinfo=UTC), zone) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    # There is no 02:30 in this night: half an hour after 02:00 it is 03:30.
    assert twice.until(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), zone) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
