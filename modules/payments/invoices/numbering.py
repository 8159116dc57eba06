"""Numbers of invoices: consecutive within a series and a financial year, at most 16 characters (CGST rule 46(b)).

The year begins on the first of April in India. A number is `<series>/<year>/<sequence>`, such as `INV/2627/000001`.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

INDIA: Final = timezone(timedelta(hours=5, minutes=30), "IST")
APRIL: Final = 4
MOST_CHARACTERS: Final = 16


def financial_year(moment: datetime) -> str:
    """The year of a time, by its two calendar years: `2627` from 1 April 2026 to 31 March 2027, in India."""
    local = moment.astimezone(INDIA)
    first = local.year if local.month >= APRIL else local.year - 1
    return f"{first % 100:02}{(first + 1) % 100:02}"


def number_of(series: str, year: str, sequence: int) -> str:
    """The number. Raises ValueError when it would be too long: three letters last for ten million a year."""
    number = f"{series}/{year}/{sequence:06}"
    if len(number) > MOST_CHARACTERS:
        raise ValueError(f"{number} has more than {MOST_CHARACTERS} characters: set a shorter series")
    return number
