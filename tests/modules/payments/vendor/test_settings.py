"""The settings of the adapter for Razorpay: read, checked, and secret where they are."""

from __future__ import annotations

import pytest

from gateway.settings import SettingsError, read
from modules.payments.settings import PaymentsSettings

PREFIX = "KSMP_PAYMENTS_"
ENVIRON = {
    "KSMP_PAYMENTS_KEY_ID": "rzp_live_1",
    "KSMP_PAYMENTS_KEY_SECRET": "hunter2",
    "KSMP_PAYMENTS_FORMER_KEY_SECRETS": "hunter1,hunter0",
    "KSMP_PAYMENTS_WEBHOOK_SECRETS": "sesame2,sesame1",
    "KSMP_PAYMENTS_RAZORPAY_URL": "https://razorpay.example",
    "KSMP_PAYMENTS_RAZORPAY_TIMEOUT": "7.5",
    "KSMP_PAYMENTS_RAZORPAY_CONNECT_TIMEOUT": "1.5",
    "KSMP_PAYMENTS_RAZORPAY_THREADS": "3",
    "KSMP_PAYMENTS_RAZORPAY_FAILURES": "4",
    "KSMP_PAYMENTS_RAZORPAY_PAUSE": "5",
    "KSMP_PAYMENTS_RAZORPAY_ANSWER_BYTES": "1000",
    "KSMP_PAYMENTS_RAZORPAY_PAGES": "2",
}


def test_each_variable_is_read() -> None:
    settings = read(PaymentsSettings, ENVIRON, PREFIX)
    assert (settings.key_id, settings.key_secret) == ("rzp_live_1", "hunter2")
    assert settings.former_key_secrets == ("hunter1", "hunter0")
    assert settings.webhook_secrets == ("sesame2", "sesame1")
    assert settings.razorpay_url == "https://razorpay.example"
    assert (settings.razorpay_timeout, settings.razorpay_connect_timeout) == (7.5, 1.5)
    assert (settings.razorpay_threads, settings.razorpay_failures, settings.razorpay_pause) == (3, 4, 5.0)
    assert (settings.razorpay_answer_bytes, settings.razorpay_pages) == (1000, 2)


def test_secrets_are_not_shown() -> None:
    shown = repr(read(PaymentsSettings, ENVIRON, PREFIX))
    assert "rzp_live_1" in shown
    assert "hunter" not in shown
    assert "sesame" not in shown


@pytest.mark.parametrize("value", ["hunter 2", "hunter2\n", "hunter₹", "rzp:hunter2"])
@pytest.mark.parametrize("name", ["KSMP_PAYMENTS_KEY_ID", "KSMP_PAYMENTS_KEY_SECRET"])
def test_a_key_that_no_header_can_carry_is_refused_and_hidden(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} has a bad value") as caught:
        read(PaymentsSettings, ENVIRON | {name: value}, PREFIX)
    assert "hunter" not in str(caught.value)
