"""Limits of users: what outlives a connection, and what is forgotten."""

from __future__ import annotations

import pytest

from gateway.realtime.user_limits import Buckets, UserLimits


def test_the_connections_of_a_user_share_a_limit_and_its_refill() -> None:
    limits = UserLimits(rate=10.0, burst=2, factor=2.0)
    first, second = limits.of_connection("ada"), limits.of_connection("ada")
    assert [first(0.0), first(0.0), second(0.0), second(0.0)] == [0.0] * 4
    wait = limits.of_connection("ada")(0.0)
    assert wait == pytest.approx(0.1)
    assert limits.of_connection("bob")(0.0) == 0.0
    # What was given back belongs to the user, and not to a connection.
    assert limits.of_connection("ada")(wait + 0.001) == 0.0
    assert first(wait + 0.001) > 0.0


def test_a_burst_of_a_user_is_at_least_one_command() -> None:
    assert UserLimits(rate=1.0, burst=1, factor=0.1).of_connection("ada")(0.0) == 0.0


def test_who_has_used_nothing_for_long_is_forgotten() -> None:
    buckets: Buckets[int] = Buckets()
    for second in range(10):
        for user in range(1000):
            # Each is full again after a second.
            assert buckets.take(second * 1000 + user, 1.0, 5.0, second + user / 1000) == 0.0
    assert len(buckets) <= 1002


def test_who_is_over_the_limit_is_remembered_while_others_come() -> None:
    buckets: Buckets[str] = Buckets()
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
