"""The metrics of FCM. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)

messages: Final = Counter(
    "ksmp_notify_fcm_messages",
    "Messages to devices, by what became of them (later: tried again; unknown: perhaps shown)",
    ["outcome", "reason"],
)
seconds: Final = Histogram("ksmp_notify_fcm_seconds", "From posted to answered", buckets=SECONDS)
tokens: Final = Counter("ksmp_notify_fcm_tokens", "Access tokens that were asked for")
removed: Final = Counter("ksmp_notify_fcm_devices_removed", "Devices that FCM knows no more")
misconfigured: Final = Counter(
    "ksmp_notify_fcm_misconfigured",
    "Answers that only an operator can do something about: the account, the sender, a key for APNs or web push",
    ["what"],
)
breaker_open: Final = Gauge(
    "ksmp_notify_fcm_breaker_open",
    "1 after several failures in a row, until a message gets through",
    multiprocess_mode="livemax",
)
