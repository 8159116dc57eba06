"""Buckets by key: who is forgotten, and who is remembered."""

from __future__ import annotations

from gateway.protocol.buckets import Buckets


def test_who_has_used_nothing_for_long_is_forgotten() -> None:
    buckets: Buckets[int] = Buckets(100_000)
    for second in range(10):
        for user in range(1000):
            # Each is full again after a second.
            assert buckets.take(second * 1000 + user, 1.0, 5.0, second + user / 1000) == 0.0
    assert len(buckets) <= 1002


def test_who_is_over_the_limit_is_remembered_while_others_come() -> None:
    buckets: Buckets[str] = Buckets(100_000)
    while buckets.take("eager", 0.001, 5.0, 0.0) == 0.0:
        pass
    for user in range(1000):
        buckets.take(f"{user}", 1.0, 5.0, user / 100)
    assert buckets.take("eager", 0.001, 5.0, 10.0) > 0.0


def test_there_are_never_more_than_so_many() -> None:
    buckets: Buckets[int] = Buckets(most=10)
    for user in range(1000):
        buckets.take(user, 0.001, 1.0, 0.0)
        assert len(buckets) <= 10
