"""The metrics of webhooks. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# From seconds to the three days of a late authorization.
LAG: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0, 259_200.0)

received: Final = Counter("ksmp_payments_webhooks", "Webhooks with a good signature (repeated: known before)", ["how"])
refused: Final = Counter("ksmp_payments_webhooks_refused", "Webhooks that were not taken", ["why"])
handled: Final = Counter("ksmp_payments_webhooks_handled", "Webhooks that were handled or ignored", ["event", "state"])
lag: Final = Histogram(
    "ksmp_payments_webhook_lag_seconds", "From what happened at Razorpay to its webhook handled", buckets=LAG
)
last: Final = Gauge(
    "ksmp_payments_webhook_last_timestamp_seconds", "When a webhook was last handled", multiprocess_mode="max"
)
