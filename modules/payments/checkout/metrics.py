"""The metrics of orders. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

verifications: Final = Counter(
    "ksmp_payments_verifications", "Payments that a payer's page has brought a signature for", ["outcome"]
)
