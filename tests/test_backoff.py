"""The pauses between tries."""

from __future__ import annotations

from gateway.backoff import Backoff, doubled


def test_an_attempt_waits_twice_as_long_as_the_one_before_up_to_the_limit() -> None:
    assert [doubled(attempt, 0.5, 3.0) for attempt in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert doubled(1_000_000, 0.5, 3.0) == 3.0


def test_a_loop_waits_longer_each_time_and_begins_again_after_a_success() -> None:
    backoff = Backoff(0.1, 0.5)
    assert [backoff.next() for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    assert backoff.pause == 0.5
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [0.1, 0.2]
