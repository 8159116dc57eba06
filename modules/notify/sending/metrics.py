"""The metrics of deliveries. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)

tries: Final = Counter(
    "ksmp_notify_deliveries",
    "Deliveries that a worker took, by what became of them (waiting: later; unknown: perhaps sent)",
    ["channel", "outcome"],
)
late: Final = Histogram(
    "ksmp_notify_late_seconds", "From when a delivery was due to when it was sent", ["channel"], buckets=SECONDS
)
lapsed: Final = Counter("ksmp_notify_lapsed", "Deliveries whose worker was lost, so that their outcome is unknown")
due: Final = Gauge(
    "ksmp_notify_due", "Deliveries whose time has come and that no worker has", ["channel"], multiprocess_mode="livemax"
)
oldest: Final = Gauge(
    "ksmp_notify_due_oldest_seconds",
    "For how long the oldest of them has been due; 0 when there is none",
    ["channel"],
    multiprocess_mode="livemax",
)
