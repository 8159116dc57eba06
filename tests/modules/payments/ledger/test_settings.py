"""The settings of the seller: what cannot be is refused at the start."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings import SettingsError
from modules.payments.settings import SellerSettings

GSTIN = "27AAPFU0939F1ZV"


def test_the_state_is_that_of_the_number() -> None:
    assert SellerSettings(seller_gstin=GSTIN).state == "27"
    assert SellerSettings(seller_gstin=GSTIN, seller_state="27").state == "27"
    assert SellerSettings(seller_state="29").state == "29"
    assert SellerSettings().state == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seller_gstin": GSTIN[:-1] + "W"}, "no GSTIN"),
        ({"seller_gstin": GSTIN, "seller_state": "29"}, "not that of"),
        ({"seller_state": "99"}, "two digits"),
        ({"gst_rate": 101.0}, "100 percent"),
        ({"mentor_share": 100.5}, "100 percent"),
        ({"invoice_series": "TOOLONG"}, "16 characters"),
        ({"invoice_series": "inv"}, "16 characters"),
        ({"invoice_series": "A", "credit_note_series": "A"}, "must differ"),
    ],
)
def test_what_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        SellerSettings(**given)
