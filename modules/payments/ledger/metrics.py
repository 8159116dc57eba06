"""The metrics of the ledger. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

imbalance: Final = Gauge(
    "ksmp_payments_ledger_imbalance",
    "Transactions of the ledger that do not sum to zero; anything but 0 is an alarm",
    multiprocess_mode="max",
)
