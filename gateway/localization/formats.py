"""Money, numbers and times as readers in India write them, in English and Hindi. By Babel.

Babel is loaded at the first use, and reads the data of a language from its files then. So these functions are called
in a thread.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Final, Literal

from gateway.localization.currencies import major, minor_digits

Language = Literal["en", "hi"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "hi")
# How a language is written in India.
LOCALES: Final = {"en": "en_IN", "hi": "hi_IN"}
# Groups of lakh and crore. Babel's own pattern takes the digits from CLDR, which rounds some currencies of ISO 4217.
GROUPS: Final = "#,##,##0"
# CLDR has the time of day in Hindi by am and pm, and one that people say: शाम 5:30 बजे.
MOMENTS: Final = {"en": "EEE, d MMM y, h:mm a", "hi": "EEEE, d MMMM y, B h:mm बजे"}


def locale_of(language: str) -> str:
    """The name of a language's data in CLDR."""
    return LOCALES.get(language, language)


def money(amount: int, currency: str, language: str) -> str:
    """An amount of minor units, such as `₹12,34,567.50`; with all digits of its currency."""
    from babel.numbers import format_currency, get_currency_symbol  # noqa: PLC0415

    digits = minor_digits(currency)
    locale = locale_of(language)
    # CLDR parts a code of letters from the digits; Babel does not.
    symbol = "¤\xa0" if get_currency_symbol(currency, locale)[-1:].isalpha() else "¤"
    pattern = symbol + GROUPS + ("." + "0" * digits if digits else "")
    return format_currency(major(amount, currency), currency, format=pattern, locale=locale, currency_digits=False)


def number(value: Decimal | float, language: str) -> str:
    """A number, such as `12,34,567.5`."""
    from babel.numbers import format_decimal  # noqa: PLC0415

    return format_decimal(exact(value), locale=locale_of(language), decimal_quantization=False)


def percent(rate: str, language: str) -> str:
    """A rate in percent, such as `18%` or `2.5%`."""
    from babel.numbers import format_decimal  # noqa: PLC0415

    return format_decimal(rate, format="#,##0.##", locale=locale_of(language)) + "%"


def day(moment: date, language: str) -> str:
    """A date, such as `1 April 2026`."""
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(moment, format="long", locale=locale_of(language))


def time_of(moment: datetime, zone: tzinfo, language: str) -> str:
    """A moment in a zone, with the zone: `Mon, 30 Nov 2026, 5:30 PM IST`, `सोमवार, 30 नवंबर 2026, शाम 5:30 बजे IST`."""
    from babel.dates import format_datetime  # noqa: PLC0415

    local = moment.astimezone(zone)
    pattern = MOMENTS.get(language, "medium")
    # The name by which its people know the zone. CLDR has few of them, and one is only an offset for others.
    name = local.tzname() or ""
    named = name if name.isalpha() else f"GMT{name}"
    return f"{format_datetime(local, pattern, tzinfo=zone, locale=locale_of(language))} {named}"


def plural_form(value: Decimal | float, language: str) -> int:
    """Which form of a text this number takes, counted from 0 in the order of CLDR: zero, one, two, few, many, other.

    In Hindi 0, 0.5 and 1 take the first form, in English only 1.
    """
    from babel.core import Locale  # noqa: PLC0415

    rule = Locale.parse(locale_of(language)).plural_form
    forms = [name for name in ("zero", "one", "two", "few", "many") if name in rule.tags]
    return [*forms, "other"].index(rule(exact(value)))


def plural_forms(language: str) -> int:
    """How many forms there are."""
    from babel.core import Locale  # noqa: PLC0415

    return len(Locale.parse(locale_of(language)).plural_form.tags | {"other"})


def exact(value: Decimal | float) -> Decimal | int:
    """The number as it is written: 1.0 and Decimal("1.00") are 1."""
    written = Decimal(str(value))
    return int(written) if written == written.to_integral_value() else written.normalize()
