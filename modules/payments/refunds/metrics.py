"""The metrics of refunds and disputes. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

requested: Final = Counter("ksmp_payments_refunds_requested", "Refunds that were asked for", ["origin"])
sent: Final = Counter(
    "ksmp_payments_refunds_sent",
    "Calls of the vendor for a refund (held: refused for now; refused: for good; unknown: perhaps done)",
    ["outcome"],
)
