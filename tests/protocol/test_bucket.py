"""The token bucket gives exactly what its rate and burst allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.bucket import Bucket

rates = st.floats(0.1, 1000)
bursts = st.integers(1, 400)
# The times need not be monotonic.
steps = st.lists(st.floats(-1, 10) | st.just(0.0), max_size=80)


@given(rates, bursts, steps)
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(rate: float, burst: int, waits: list[float]) -> None:
    bucket = Bucket(rate, burst)
    now, taken = 1000.0, []
    for wait in waits:
        now += wait
        if bucket.take(now) == 0.0:
            taken.append(now)
    forward = sum(max(0.0, wait) for wait in waits)
    assert len(taken) <= burst + forward * rate + 1e-6


@given(rates, bursts)
def test_a_full_burst_goes_at_once_and_then_one_at_a_time(rate: float, burst: int) -> None:
    bucket = Bucket(rate, burst)
    assert [bucket.take(5.0) for _ in range(burst)] == [0.0] * burst
    wait = bucket.take(5.0)
    assert wait == pytest.approx(1 / rate)
    # Reading the level takes no token.
    assert bucket.take(5.0) == wait
    assert bucket.take(5.0 + wait * 0.5) > 0.0
    assert bucket.take(5.0 + wait * 1.001) == 0.0
    assert bucket.take(5.0 + wait * 1.001) > 0.0


@given(rates, bursts, st.floats(0, 1e6))
def test_idle_time_saves_up_no_more_than_the_burst(rate: float, burst: int, idle: float) -> None:
    bucket = Bucket(rate, burst)
    for _ in range(burst):
        bucket.take(0.0)
    now = burst / rate + idle + 1
    assert all(bucket.take(now) == 0.0 for _ in range(burst))
    assert bucket.take(now) > 0.0


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    bucket = Bucket(1.0, 1)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) > 0.0
    assert bucket.take(50.9) > 0.0
    assert bucket.take(51.1) == 0.0
