"""Days of the platform's zone: faults 1 and 2, and those of half hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.analytics.measures.zone import Step, Zone

# With a half hour, with a quarter, with a midnight that is skipped, with one that comes twice.
ZONES = ("Asia/Kolkata", "Asia/Kathmandu", "Asia/Beirut", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize("name", ZONES)
@given(at=MOMENTS, step=st.sampled_from(Step))
def test_every_moment_lies_in_one_span(name: str, at: datetime, step: Step) -> None:
    zone = Zone(name)
    span = zone.span_of(zone.day_of(at), step)
    assert span.since <= at < span.until
    assert zone.day_of(span.since) == span.day
    assert zone.day_of(span.until - timedelta(microseconds=1)) < zone.day_of(span.until)


@pytest.mark.parametrize("name", ZONES)
@given(at=MOMENTS, length=st.integers(1, 200), step=st.sampled_from(Step))
def test_spans_cover_a_time_without_gap_or_repeat(name: str, at: datetime, length: int, step: Step) -> None:
    until = at + timedelta(days=length, hours=5)
    spans = list(Zone(name).spans(at, until, step))
    assert (spans[0].since, spans[-1].until) == (at, until)
    assert all(one.until == following.since for one, following in pairwise(spans))
    days = [span.day for span in spans]
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        # Clocks jump from midnight to 1 o'clock, and back from 1 o'clock to midnight.
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
    ],
)
def test_a_day_of_a_clock_change_is_there_once(name: str, day: date, hours: int) -> None:
    zone = Zone(name)
    span = zone.span_of(day, Step.DAY)
    assert span.until - span.since == timedelta(hours=hours)
    around = zone.spans(zone.begin(day - timedelta(days=3)), zone.begin(day + timedelta(days=4)), Step.DAY)
    assert [one.day for one in around] == [day + timedelta(days=number) for number in range(-3, 4)]


def test_days_of_india_begin_at_half_past_six_in_the_evening() -> None:
    zone = Zone("Asia/Kolkata")
    assert zone.begin(date(2026, 12, 1)) == datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    assert zone.day_of(datetime(2026, 11, 30, 18, 29, 59, tzinfo=UTC)) == date(2026, 11, 30)
    assert zone.day_of(datetime(2026, 11, 30, 18, 30, tzinfo=UTC)) == date(2026, 12, 1)


@pytest.mark.parametrize("name", ZONES)
@given(at=MOMENTS)
def test_buckets_of_15_minutes_add_up_to_days(name: str, at: datetime) -> None:
    zone = Zone(name)
    assert zone.begin(zone.day_of(at)).timestamp() % 900 == 0


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    zone = Zone("Asia/Kolkata")
    assert zone.first_day(date(2026, 12, 6), Step.WEEK) == date(2026, 11, 30)
    assert zone.span_of(date(2026, 12, 31), Step.MONTH).until == zone.begin(date(2027, 1, 1))


@pytest.mark.parametrize("name", ["Asia/Nowhere", "", "../etc"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone|Absolute|normalized|must refer"):
        Zone(name)
