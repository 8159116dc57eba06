"""The metrics of webhooks. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

tries: Final = Counter(
    "ksmp_integrations_webhook_tries", "Webhooks that were sent, by fault (none: the receiver took it)", ["fault"]
)
disabled: Final = Counter(
    "ksmp_integrations_endpoints_disabled", "Endpoints that were disabled by themselves", ["reason"]
)
