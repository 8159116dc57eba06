"""Minor units of currencies (ISO 4217): how many digits they have, and an amount in major units."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

# Currencies that do not have two digits.
WITHOUT_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
DIGITS: Final = dict.fromkeys(WITHOUT_DIGITS.split(), 0) | dict.fromkeys(WITH_THREE.split(), 3)


def minor_digits(currency: str) -> int:
    return DIGITS.get(currency, 2)


def major(amount: int, currency: str) -> Decimal:
    """An amount of minor units in major units, exactly, with all digits: 150 INR are 1.50."""
    return Decimal(amount).scaleb(-minor_digits(currency))
