"""GST: where a supply is, which taxes it bears, and which numbers are a GSTIN."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from modules.payments.ledger.gst import DIGITS, Gst, split, valid_gstin
from modules.payments.ledger.parts import Parts
from modules.payments.ledger.states_of_india import STATES

# A number that the documents of GST use as an example.
REAL = "27AAPFU0939F1ZV"


def seller(gstin: str = REAL, rate: float = 18, undertaking: str = "") -> Gst:
    return Gst(gstin=gstin, state="27", rate=rate, undertaking=undertaking)


def test_within_the_state_the_tax_is_halved_and_elsewhere_it_is_igst() -> None:
    assert seller().taxed(118_00, "INR", place_of_supply="27").parts == Parts(100_00, cgst=9_00, sgst=9_00)
    assert seller().taxed(118_00, "INR", place_of_supply="29").parts == Parts(100_00, igst=18_00)
    # Within a union territory too; its own half is called UTGST.
    assert split(118_00, Decimal(18), "04", "04") == Parts(100_00, cgst=9_00, sgst=9_00)


def test_without_a_place_the_supply_is_where_the_seller_is() -> None:
    assert seller().taxed(118_00, "INR").place_of_supply == "27"


def test_a_buyers_number_says_the_place() -> None:
    assert seller().taxed(118_00, "INR", gstin="29AAGCB7383J1Z4").parts == Parts(100_00, igst=18_00)
    with pytest.raises(BadInput, match="place of supply"):
        seller().taxed(118_00, "INR", gstin=REAL, place_of_supply="29")
    with pytest.raises(BadInput, match="not a GSTIN"):
        seller().taxed(118_00, "INR", gstin=REAL[:-1] + "W")
    with pytest.raises(BadInput, match="two digits"):
        seller().taxed(118_00, "INR", place_of_supply="99")


def test_abroad_is_taxed_by_igst_or_under_an_undertaking_not_at_all() -> None:
    assert seller().taxed(118_00, "INR", place_of_supply="96").parts == Parts(100_00, igst=18_00)
    exporter = seller(undertaking="AD270326000001X")
    under_undertaking = exporter.taxed(118_00, "USD", place_of_supply="96")
    assert under_undertaking.parts == Parts(118_00)
    assert under_undertaking.rate == 0
    # Whoever pays in rupees may say so too, and buys at home.
    assert exporter.taxed(118_00, "INR", place_of_supply="96").parts == Parts(100_00, igst=18_00)


def test_a_seller_without_a_number_charges_no_tax() -> None:
    taxed = seller(gstin="").taxed(118_00, "INR", place_of_supply="29")
    assert taxed.parts == Parts(118_00)
    assert taxed.rate == 0


def test_a_rate_of_zero_taxes_nothing() -> None:
    assert seller(rate=0).taxed(118_00, "INR").parts == Parts(118_00)


def test_halves_are_rounded_once_each() -> None:
    # 9 % of 84.745… is 7.627…: both halves are 7.63, and what is left is taxable.
    assert split(100_00, Decimal(18), "27", "27") == Parts(84_74, cgst=7_63, sgst=7_63)
    assert split(1, Decimal(18), "27", "29") == Parts(1)


@pytest.mark.parametrize("number", [REAL, "29AAGCB7383J1Z4", "24AAACC1206D1ZM"])
def test_numbers_that_are_right(number: str) -> None:
    assert valid_gstin(number)


@given(st.integers(0, 14), st.sampled_from(DIGITS))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    changed = REAL[:place] + character + REAL[place + 1 :]
    assert valid_gstin(changed) == (changed == REAL)


@pytest.mark.parametrize("number", ["", REAL.lower(), REAL + "0", "96AAPFU0939F1ZV", "00AAPFU0939F1ZV", f" {REAL}"])
def test_what_is_no_number(number: str) -> None:
    assert not valid_gstin(number)


def test_states_have_two_digits_and_both_names() -> None:
    assert len(STATES) == 38
    for code, state in STATES.items():
        assert code == state.code
        assert len(code) == 2
        assert state.name.isascii()
        assert not state.hindi.isascii()
    territories = {code for code, state in STATES.items() if state.union_territory}
    assert territories == {"04", "26", "31", "35", "38", "97"}
