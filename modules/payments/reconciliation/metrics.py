"""The metrics of what does not agree with the vendor. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

differences: Final = Counter(
    "ksmp_payments_differences", "Differences between our rows and the vendor that were noted", ["kind"]
)
