"""The metrics of payments as a whole, and of what does not agree with the vendor; a process has them once."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# From a payer who is quick to the three days of a late authorization.
TO_CAPTURE: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 259_200.0)

differences: Final = Counter(
    "ksmp_payments_differences", "Differences between our rows and the vendor that were noted", ["kind"]
)
open_differences: Final = Gauge(
    "ksmp_payments_open_differences",
    "Differences that wait for an operator",
    multiprocess_mode="livemax",
)
compared: Final = Counter("ksmp_payments_compared", "Orders, refunds and lines of settlements compared", ["what"])
heals: Final = Counter(
    "ksmp_payments_heals", "Orders, payments and refunds that a comparison with the vendor has changed", ["what"]
)
orders: Final = Gauge(
    "ksmp_payments_orders_recent",
    "Orders of the last day: paid; unpaid, whose time is over; open. paid / (paid + unpaid) is the success rate",
    ["outcome"],
    multiprocess_mode="livemax",
)
attempts: Final = Gauge(
    "ksmp_payments_attempts_recent",
    "Payments of the last day: captured; failed; open. captured / (captured + failed) is the success rate",
    ["outcome"],
    multiprocess_mode="livemax",
)
unfinished: Final = Gauge(
    "ksmp_payments_unfinished",
    "Orders past their time or being confirmed, and refunds, that are not decided and older than so many seconds",
    ["what", "older_than"],
    multiprocess_mode="livemax",
)
webhook_silence: Final = Gauge(
    "ksmp_payments_webhook_silence_seconds",
    "For how long payments are captured and no webhook comes; 0 while webhooks come",
    multiprocess_mode="livemax",
)
time_to_capture: Final = Histogram(
    "ksmp_payments_time_to_capture_seconds", "From an order made to its payment captured", buckets=TO_CAPTURE
)
last_look: Final = Gauge(
    "ksmp_payments_reconciliation_last_timestamp_seconds",
    "When this gateway last looked for what is to be compared",
    multiprocess_mode="livemax",
)
