"""How much goes back when a place is given back, and when a refund is sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from modules.payments.refunds.policy import RefundPolicy, pause
from modules.payments.settings import PaymentsSettings

PAID = datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_within_the_days_all_goes_back_and_nothing_after() -> None:
    settings = PaymentsSettings()
    policy = RefundPolicy(settings.refund_days, settings.refund_percent, settings.refund_percent_later)
    assert policy.for_given_back(49_900, PAID, PAID) == 49_900
    assert policy.for_given_back(49_900, PAID, PAID + timedelta(days=7)) == 49_900
    assert policy.for_given_back(49_900, PAID, PAID + timedelta(days=7, seconds=1)) == 0


def test_a_part_is_rounded_half_up() -> None:
    policy = RefundPolicy(days=3, percent=50, percent_later=33)
    assert policy.for_given_back(101, PAID, PAID) == 51
    assert policy.for_given_back(101, PAID, PAID + timedelta(days=4)) == 33
    # A currency without decimals.
    assert policy.for_given_back(1, PAID, PAID) == 1


@given(some.integers(0, 10**12), some.integers(0, 100), some.integers(0, 100), some.integers(-5, 100))
def test_never_more_than_was_paid(paid: int, percent: int, later: int, days: int) -> None:
    back = RefundPolicy(7, percent, later).for_given_back(paid, PAID, PAID + timedelta(days=days))
    assert 0 <= back <= paid


def test_tries_come_at_growing_intervals() -> None:
    assert [pause(tries, 60.0, 500.0) for tries in (0, 1, 2, 3, 4, 5)] == [60, 60, 120, 240, 480, 500]
    assert pause(10**9, 60.0, 500.0) == 500.0
