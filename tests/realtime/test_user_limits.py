"""Limits of users: what outlives a connection."""

from __future__ import annotations

import pytest

from gateway.realtime.user_limits import UserLimits


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
