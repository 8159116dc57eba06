"""The clock that the gateway and its modules share."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from gateway import clock


def test_now_is_in_utc_and_has_its_zone() -> None:
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_seconds_and_milliseconds_tell_the_same_time() -> None:
    before = time.time()
    assert before <= clock.now_seconds() <= time.time()
    assert int(before * 1000) <= clock.now_ms() <= time.time() * 1000


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_milliseconds_come_back_as_they_went(milliseconds: int) -> None:
    moment = clock.from_ms(milliseconds)
    assert moment.utcoffset() == timedelta(0)
    assert clock.to_ms(moment) == milliseconds
    assert clock.to_ms(moment + timedelta(microseconds=999)) == milliseconds


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert clock.to_ms(datetime(2026, 1, 1, 5, 30, tzinfo=india)) == clock.to_ms(datetime(2026, 1, 1, tzinfo=UTC))
