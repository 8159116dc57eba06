"""Windows of digests follow each other without a gap, by every zone's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from modules.notify.decide.windows import window_end

LENGTHS = [timedelta(minutes=15), timedelta(hours=1), timedelta(days=1), timedelta(days=7)]
ZONES = ["Asia/Kolkata", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(now=moments, length=st.sampled_from(LENGTHS), zone=zones, hour=st.integers(0, 23))
@example(datetime(2026, 3, 28, 2, tzinfo=UTC), timedelta(days=1), ZoneInfo("Europe/Berlin"), 2)
@example(datetime(2026, 10, 24, 1, tzinfo=UTC), timedelta(days=1), ZoneInfo("Europe/Berlin"), 2)
@example(datetime(2011, 12, 30, 9, tzinfo=UTC), timedelta(days=1), ZoneInfo("Pacific/Apia"), 18)
def test_each_moment_is_in_one_window(now: datetime, length: timedelta, zone: ZoneInfo, hour: int) -> None:
    end = window_end(now, length, zone, hour)
    assert now < end <= now + length + timedelta(hours=26)
    # Whatever moment of the window asks, it has one end; the next one begins there.
    assert window_end(now + (end - now) / 2, length, zone, hour) == end
    assert window_end(end - timedelta(microseconds=1), length, zone, hour) == end
    assert window_end(end, length, zone, hour) > end


def test_a_day_ends_at_the_hour_of_the_zone_though_the_clock_changes() -> None:
    berlin, day = ZoneInfo("Europe/Berlin"), timedelta(days=1)
    moment = datetime(2026, 3, 27, 12, tzinfo=UTC)
    ends = []
    for _ in range(4):
        moment = window_end(moment, day, berlin, 18)
        ends.append(moment.astimezone(berlin).isoformat())
    assert ends == [f"2026-03-{27 + at}T18:00:00+0{1 if at < 2 else 2}:00" for at in range(4)]


def test_a_week_ends_on_a_monday() -> None:
    end = window_end(datetime(2026, 11, 30, 13, tzinfo=UTC), timedelta(days=7), ZoneInfo("Asia/Kolkata"), 18)
    assert end == datetime(2026, 12, 7, 12, 30, tzinfo=UTC)
