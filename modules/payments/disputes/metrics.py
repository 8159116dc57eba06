"""The metrics of disputes. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

states: Final = Counter("ksmp_payments_disputes", "Disputes that reached a state", ["state"])
warnings: Final = Counter(
    "ksmp_payments_dispute_warnings",
    "Disputes whose answer is due soon, or is late (kind of difference)",
    ["kind"],
)
