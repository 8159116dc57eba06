"""What a coupon takes off, how a code is compared, and which terms do not fit together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from modules.payments.coupons.terms import WHOLE, CouponKind, Terms, normal_code

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PERCENT: dict[str, Any] = {
    "kind": CouponKind.PERCENT,
    "value": 1250,
    "currency": "",
    "most_discount": None,
    "limit_total": None,
    "limit_user": None,
    "starts_at": None,
    "ends_at": None,
}
AMOUNT = PERCENT | {"kind": CouponKind.AMOUNT, "value": 5000, "currency": "INR"}


@given(price=st.integers(0, 10**12), value=st.integers(1, WHOLE))
def test_a_percentage_is_rounded_half_up_once(price: int, value: int) -> None:
    discount = Terms(**PERCENT | {"value": value}).discount_on(price)
    exact = Fraction(price * value, WHOLE)
    assert Fraction(-1, 2) < discount - exact <= Fraction(1, 2)
    assert 0 <= discount <= price


@pytest.mark.parametrize(
    ("terms", "price", "discount"),
    [
        (PERCENT, 49900, 6238),  # 6237.5
        (PERCENT | {"value": 1}, 4999, 0),
        (PERCENT | {"value": 1}, 5000, 1),
        (PERCENT | {"value": WHOLE}, 49901, 49901),
        (PERCENT | {"most_discount": 5000, "currency": "INR"}, 49900, 5000),
        (PERCENT | {"most_discount": 5000, "currency": "INR"}, 100, 13),
        (AMOUNT, 49900, 5000),
        (AMOUNT, 4999, 4999),
        (AMOUNT, 0, 0),
    ],
)
def test_what_is_taken_off(terms: dict[str, Any], price: int, discount: int) -> None:
    assert Terms(**terms).discount_on(price) == discount


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (PERCENT | {"value": WHOLE + 1}, "value"),
        (AMOUNT | {"currency": ""}, "currency"),
        (AMOUNT | {"most_discount": 1}, "most_discount"),
        (PERCENT | {"most_discount": 1}, "currency"),
        (PERCENT | {"starts_at": NOW, "ends_at": NOW}, "ends_at"),
    ],
)
def test_terms_that_do_not_fit_together(terms: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        Terms(**terms).check()
    assert (caught.value.code, caught.value.field) == ("invalid", field)


def test_a_window_begins_with_its_start_and_ends_before_its_end() -> None:
    terms = Terms(**AMOUNT | {"starts_at": NOW, "ends_at": NOW + timedelta(seconds=1)})
    terms.check()
    times = [NOW - timedelta(microseconds=1), NOW, NOW + timedelta(microseconds=999_999), NOW + timedelta(seconds=1)]
    assert [terms.takes("INR", at) for at in times] == [False, True, True, False]
    assert not terms.takes("USD", NOW)
    assert Terms(**PERCENT).takes("USD", NOW)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (" diwali-2026 ", "DIWALI-2026"),
        ("ABC", "ABC"),
        ("A" * 40, "A" * 40),
        ("AB", None),
        ("A" * 41, None),
        ("DIWALI 2026", None),
        ("ABC\n", None),
        ("D\u0131WAL\u0131", None),  # its capitals would be ASCII
        ("SA\u017f", None),
        ("\u0410BC", None),  # Cyrillic
        ("\uff21\uff22\uff23", None),  # full width
        ("ABC\u0661", None),
    ],
)
def test_codes_are_compared_in_capitals_of_ascii_alone(written: str, code: str | None) -> None:
    assert normal_code(written) == code
