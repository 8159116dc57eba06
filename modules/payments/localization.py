"""Money and dates as readers in India write them, in English and Hindi. By Babel: the only file that imports it.

Babel reads the data of a language from its files at the first use, so these functions are called in a thread.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from modules.payments.currencies import major, minor_digits

Language = Literal["en", "hi"]
LOCALES: Final = {"en": "en_IN", "hi": "hi_IN"}
# Groups of lakh and crore. Babel's own pattern takes the digits from CLDR, which rounds some currencies of ISO 4217.
GROUPS: Final = "#,##,##0"


def money(amount: int, currency: str, language: Language) -> str:
    """An amount of minor units, such as `₹12,34,567.50`; with all digits of its currency."""
    digits = minor_digits(currency)
    locale = LOCALES[language]
    # CLDR parts a code of letters from the digits; Babel does not.
    symbol = "¤\xa0" if get_currency_symbol(currency, locale)[-1:].isalpha() else "¤"
    pattern = symbol + GROUPS + ("." + "0" * digits if digits else "")
    return format_currency(major(amount, currency), currency, format=pattern, locale=locale, currency_digits=False)


def percent(rate: str, language: Language) -> str:
    """A rate in percent, such as `18%` or `2.5%`."""
    return format_decimal(rate, format="#,##0.##", locale=LOCALES[language]) + "%"


def day(moment: date, language: Language) -> str:
    """A date, such as `1 April 2026`."""
    return format_date(moment, format="long", locale=LOCALES[language])
