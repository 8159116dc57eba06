"""Numbers of invoices: the year in India, at most 16 characters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modules.payments.invoices.numbering import financial_year, number_of


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC), "2627"),
        # Midnight in India.
        (datetime(2027, 3, 31, 18, 30, tzinfo=UTC), "2728"),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), "2627"),
        (datetime(2100, 4, 1, tzinfo=UTC), "0001"),
    ],
)
def test_the_year_begins_in_april_in_india(moment: datetime, year: str) -> None:
    assert financial_year(moment) == year


def test_a_number_has_at_most_sixteen_characters() -> None:
    assert number_of("INV", "2627", 1) == "INV/2627/000001"
    assert len(number_of("INV", "2627", 9_999_999)) == 16
    with pytest.raises(ValueError, match="16 characters"):
        number_of("INV", "2627", 10_000_000)
