"""GST of an order: the taxes in an amount, by where the seller is and where the supply is.

Law: CGST and IGST Acts, 2017. A supply within the seller's state bears CGST and SGST, half of the rate each (UTGST in
a union territory without a legislature); any other bears IGST. A supply to a place outside of India is zero-rated:
without tax under a letter of undertaking, else with IGST. A seller without a GSTIN charges no GST.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from gateway.errors import BadInput, invalid
from modules.payments.ledger.parts import Parts, rounded
from modules.payments.ledger.states_of_india import ABROAD, FORMER, STATES

# State, PAN of the holder, number of the registration in the state, Z, check digit.
GSTIN: Final = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RUPEES: Final = "INR"
HUNDRED_PERCENT: Final = 10_000


def split(amount: int, rate: Decimal, seller_state: str, place_of_supply: str) -> Parts:
    """The parts of an amount that includes GST at `rate` percent. Each tax is rounded half up once.

    CGST and SGST are equal, as their rates are; what is left is taxable, so the parts always add up to the amount.
    """
    hundredths = int(rate * 100)
    with_tax = HUNDRED_PERCENT + hundredths
    if seller_state == place_of_supply:
        half = rounded(amount * hundredths, 2 * with_tax)
        return Parts(amount - 2 * half, cgst=half, sgst=half)
    igst = rounded(amount * hundredths, with_tax)
    return Parts(amount - igst, igst=igst)


class Taxed(msgspec.Struct, frozen=True):
    """What an order is fixed with: the parts of its amount, the rate in percent, and the place of supply."""

    parts: Parts
    rate: Decimal
    place_of_supply: str


class Gst:
    """GST as one seller charges it. `gstin` is empty for a seller who is not registered."""

    def __init__(self, *, gstin: str, state: str, rate: float, undertaking: str = "") -> None:
        self._registered = bool(gstin)
        self._state = state
        self._rate = Decimal(str(rate))
        self._undertaking = bool(undertaking)

    def taxed(self, amount: int, currency: str, *, place_of_supply: str = "", gstin: str = "") -> Taxed:
        """The taxes in an amount. The place is that of the buyer's GSTIN, the one given, or else the seller's.

        A supply abroad bears no tax under an undertaking when it is paid in another currency than rupees: only then is
        it an export (IGST Act 2017, section 2 (6)), and anybody may say that they live abroad.

        Raises BadInput `invalid` for a GSTIN or a state that cannot be, or that do not fit each other.
        """
        place = supply_place(place_of_supply, gstin) or self._state
        rate = self._rate
        if not self._registered or (place == ABROAD and currency != RUPEES and self._undertaking):
            rate = Decimal(0)
        return Taxed(split(amount, rate, self._state, place), rate, place)


def supply_place(place: str, gstin: str) -> str:
    """The code of the state of a GSTIN or of a place; empty when neither is given. Raises BadInput `invalid`."""
    if place and place not in STATES:
        raise invalid("place_of_supply is the code of a state in GST, two digits; 96 is outside of India")
    if not gstin:
        return place
    if not valid_gstin(gstin):
        raise bad_gstin()
    state = state_of_gstin(gstin)
    if place and place != state:
        raise invalid("the first two digits of the GSTIN are not the place of supply")
    return state


def state_of_gstin(gstin: str) -> str:
    """The code of its state, today's for one that has another code now."""
    return FORMER.get(gstin[:2], gstin[:2])


def bad_gstin() -> BadInput:
    return invalid("this is not a GSTIN: 15 characters, of which the last one checks the others")


def valid_gstin(text: str) -> bool:
    """Whether a text is a GSTIN of a state, with the right check digit. It may be nobody's all the same."""
    if not GSTIN.fullmatch(text) or state_of_gstin(text) not in STATES or text[:2] == ABROAD:
        return False
    return check_digit(text[:14]) == text[14]


def check_digit(text: str) -> str:
    """The last character of a GSTIN: of each product of a value and 1 or 2, both digits to the base 36 are added."""
    total = 0
    for place, character in enumerate(text):
        tens, units = divmod(DIGITS.index(character) * (1 + place % 2), len(DIGITS))
        total += tens + units
    return DIGITS[-total % len(DIGITS)]
