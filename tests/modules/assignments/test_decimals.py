"""Decimals go out as text with two places, and come in as texts or numbers, exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from modules.assignments.decimals import Decimals, Percent, Points, rounded


class Marked(Decimals, frozen=True):
    points: Points
    share: Percent | None = None
    more: Points | msgspec.UnsetType = msgspec.UNSET


def read(**fields: Any) -> Marked:
    """As Litestar reads a body: JSON first, the type after that."""
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(fields)), Marked)


@pytest.mark.parametrize(("given", "text"), [("7.5", "7.50"), (7.5, "7.50"), (7, "7.00"), (0.1, "0.10"), ("0", "0.00")])
def test_a_decimal_is_read_exactly_and_written_with_two_places(given: str | float, text: str) -> None:
    found = read(points=given, share=given, more=given)
    assert found.points == found.share == found.more == Decimal(text)
    assert msgspec.json.decode(msgspec.json.encode(found))["points"] == text


NO_TEXTS = ["", " 7", "7.", ".5", "1e1", "NaN", "Infinity", "-1", "1_0", "\u0663", "7.555", "12345678", True, None, []]
HALVES = [("2.005", "2.01"), ("2.675", "2.68"), ("-0.001", "0.00"), ("1E+2", "100.00")]


@pytest.mark.parametrize("wrong", NO_TEXTS)
def test_what_is_no_such_text_is_refused(wrong: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(points=wrong)


@pytest.mark.parametrize("wrong", [7.555, -0.01, 1e9, 10_000_000, 1e-9])
def test_a_number_out_of_bounds_or_with_a_third_decimal_is_refused(wrong: float) -> None:
    with pytest.raises((msgspec.ValidationError, BadInput)):
        read(points=wrong)


def test_a_percentage_ends_at_a_hundred() -> None:
    assert read(points=0, share="100.00").share == 100
    for wrong in ("100.01", 100.5, 101):
        with pytest.raises(msgspec.ValidationError):
            read(points=0, share=wrong)


@given(st.decimals("0", "9999999.99", places=2))
def test_every_number_of_two_places_comes_back(value: Decimal) -> None:
    assert read(points=float(value)).points == read(points=str(value)).points == value


def test_the_description_says_text_or_number() -> None:
    points = msgspec.json.schema(Marked)["$defs"]["Marked"]["properties"]["points"]
    assert {one["type"] for one in points["anyOf"]} == {"string", "integer", "number"}


@pytest.mark.parametrize(("exact", "text"), HALVES)
def test_halves_go_up(exact: str, text: str) -> None:
    assert str(rounded(Decimal(exact))) == text
