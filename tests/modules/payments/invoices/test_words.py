"""Amounts in words, money and dates, in English and Hindi, and currencies of 0 and 3 decimals."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.localization.currencies import major, minor_digits
from gateway.localization.formats import day, money, percent
from modules.payments.invoices.words import HINDI, in_words, spelled


@pytest.mark.parametrize(
    ("number", "english", "hindi"),
    [
        (0, "zero", "शून्य"),
        (21, "twenty-one", "इक्कीस"),
        (100, "one hundred", "एक सौ"),
        (1_999, "one thousand nine hundred ninety-nine", "एक हज़ार नौ सौ निन्यानवे"),
        (1_00_000, "one lakh", "एक लाख"),
        (12_34_567, "twelve lakh thirty-four thousand five hundred sixty-seven", "बारह लाख चौंतीस हज़ार पाँच सौ सड़सठ"),
        (1_00_00_000, "one crore", "एक करोड़"),
        (1_00_000 * 1_00_00_000, "one lakh crore", "एक लाख करोड़"),
    ],
)
def test_numbers(number: int, english: str, hindi: str) -> None:
    assert spelled(number, "en") == english
    assert spelled(number, "hi") == hindi


def test_each_number_below_a_hundred_has_its_own_name() -> None:
    assert len(HINDI) == len({*HINDI}) == 100
    assert len({spelled(number, "en") for number in range(100)}) == 100


@pytest.mark.parametrize(
    ("amount", "currency", "english", "hindi"),
    [
        (118_00, "INR", "Rupees one hundred eighteen only", "रुपये एक सौ अठारह मात्र"),
        (50, "INR", "Rupees zero and fifty paise only", "रुपये शून्य और पचास पैसे मात्र"),
        (12_50, "USD", "USD twelve and 50/100 only", "USD बारह और 50/100 मात्र"),
        (1250, "JPY", "JPY one thousand two hundred fifty only", "JPY एक हज़ार दो सौ पचास मात्र"),
        (12_345, "KWD", "KWD twelve and 345/1000 only", "KWD बारह और 345/1000 मात्र"),
    ],
)
def test_amounts(amount: int, currency: str, english: str, hindi: str) -> None:
    assert in_words(amount, currency, "en") == english
    assert in_words(amount, currency, "hi") == hindi


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (12_34_567_50, "INR", "₹12,34,567.50"),
        (0, "INR", "₹0.00"),
        (-1_05, "INR", "-₹1.05"),
        (1234, "JPY", "JP¥1,234"),
        (1_234_567, "KWD", "KWD\xa01,234.567"),
        (1_00, "USD", "$1.00"),
        (2**62, "INR", "₹46,11,68,60,18,42,73,879.04"),
    ],
)
def test_money(amount: int, currency: str, written: str) -> None:
    assert money(amount, currency, "en") == written


def test_money_and_dates_in_hindi() -> None:
    assert money(12_34_567_50, "INR", "hi") == "₹12,34,567.50"
    assert day(date(2026, 4, 1), "hi") == "1 अप्रैल 2026"
    assert day(date(2026, 4, 1), "en") == "1 April 2026"
    assert percent("9", "en") == "9%"
    assert percent("2.5", "hi") == "2.5%"


def test_digits_are_those_of_iso_4217() -> None:
    assert [minor_digits(currency) for currency in ("INR", "JPY", "KWD", "USD")] == [2, 0, 3, 2]
    assert str(major(150, "INR")) == "1.50"
    assert str(major(150, "JPY")) == "150"
    assert str(major(1, "BHD")) == "0.001"
