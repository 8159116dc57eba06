"""The settings of refunds and disputes."""

from __future__ import annotations

import pytest

from gateway.settings import SettingsError, read
from modules.payments.settings import DisputeSettings, PaymentsSettings, RefundSettings

PREFIX = "KSMP_PAYMENTS_"


def test_each_variable_is_read() -> None:
    environ = {
        "KSMP_PAYMENTS_REFUND_DAYS": "14",
        "KSMP_PAYMENTS_REFUND_PERCENT": "90",
        "KSMP_PAYMENTS_REFUND_PERCENT_LATER": "10",
        "KSMP_PAYMENTS_REFUND_RETRY": "5",
        "KSMP_PAYMENTS_REFUND_RETRY_LONGEST": "50",
        "KSMP_PAYMENTS_REFUND_ATTEMPTS": "4",
        "KSMP_PAYMENTS_REFUND_OVERDUE_DAYS": "3",
    }
    assert read(RefundSettings, environ, PREFIX) == RefundSettings(
        refund_days=14,
        refund_percent=90,
        refund_percent_later=10,
        refund_retry=5.0,
        refund_retry_longest=50.0,
        refund_attempts=4,
        refund_overdue_days=3,
    )
    environ = {
        "KSMP_PAYMENTS_DISPUTE_WARNING": "1000",
        "KSMP_PAYMENTS_DISPUTE_LAST_WARNING": "100",
        "KSMP_PAYMENTS_DISPUTE_KEEPS_PLACE": "true",
    }
    assert read(DisputeSettings, environ, PREFIX) == DisputeSettings(
        dispute_warning=1000.0, dispute_last_warning=100.0, dispute_keeps_place=True
    )


@pytest.mark.parametrize("name", ["REFUND_PERCENT", "REFUND_PERCENT_LATER"])
def test_more_than_the_payment_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"KSMP_PAYMENTS_{name} must be at most 100"):
        read(PaymentsSettings, {f"KSMP_PAYMENTS_{name}": "101"}, PREFIX)
