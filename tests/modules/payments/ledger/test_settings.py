"""The settings of the seller: what cannot be is refused at the start."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings import SettingsError, read
from modules.payments.settings import SellerSettings

GSTIN = "27AAPFU0939F1ZV"
ENVIRON = {
    "KSMP_PAYMENTS_SELLER_NAME": "KSMP Learning",
    "KSMP_PAYMENTS_SELLER_ADDRESS": "12, MG Road",
    "KSMP_PAYMENTS_SELLER_GSTIN": GSTIN,
    "KSMP_PAYMENTS_SELLER_STATE": "27",
    "KSMP_PAYMENTS_SELLER_SAC": "999294",
    "KSMP_PAYMENTS_GST_RATE": "0",
    "KSMP_PAYMENTS_GST_UNDERTAKING": "AD1",
    "KSMP_PAYMENTS_MENTOR_SHARE": "12.5",
    "KSMP_PAYMENTS_INVOICE_SERIES": "A",
    "KSMP_PAYMENTS_RECEIPT_SERIES": "B",
    "KSMP_PAYMENTS_CREDIT_NOTE_SERIES": "C",
    "KSMP_PAYMENTS_INVOICE_RESEND_COUNT": "5",
    "KSMP_PAYMENTS_INVOICE_RESEND_SECONDS": "60",
    "KSMP_PAYMENTS_REPORT_ROWS": "10",
    "KSMP_PAYMENTS_REPORTS_AT_ONCE": "3",
}


def test_each_variable_is_read() -> None:
    assert read(SellerSettings, ENVIRON, "KSMP_PAYMENTS_") == SellerSettings(
        seller_name="KSMP Learning",
        seller_address="12, MG Road",
        seller_gstin=GSTIN,
        seller_state="27",
        seller_sac="999294",
        gst_rate=0.0,
        gst_undertaking="AD1",
        mentor_share=12.5,
        invoice_series="A",
        receipt_series="B",
        credit_note_series="C",
        invoice_resend_count=5,
        invoice_resend_seconds=60.0,
        report_rows=10,
        reports_at_once=3,
    )


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
        ({"gst_rate": 12.125}, "two decimals"),
        ({"seller_sac": ""}, "four to eight digits"),
        ({"invoice_series": "TOOLONG"}, "16 characters"),
        ({"invoice_series": "inv"}, "16 characters"),
        ({"invoice_series": "A", "credit_note_series": "A"}, "must differ"),
    ],
)
def test_what_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        SellerSettings(**given)
