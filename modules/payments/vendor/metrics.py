"""The metrics of the calls of Razorpay. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# Calls take a few hundred milliseconds, and end at the time-out.
SECONDS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 30.0)

calls: Final = Counter(
    "ksmp_payments_razorpay_calls",
    "Calls of Razorpay (unavailable: not done; unknown: perhaps done)",
    ["operation", "outcome"],
)
seconds: Final = Histogram(
    "ksmp_payments_razorpay_seconds",
    "From asked to answered, with the wait for a thread",
    ["operation"],
    buckets=SECONDS,
)
breaker_open: Final = Gauge(
    "ksmp_payments_razorpay_breaker_open",
    "1 after several failed calls in a row, until one succeeds",
    multiprocess_mode="livemax",
)
