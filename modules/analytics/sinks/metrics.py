"""The metrics of sinks. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

events: Final = Counter("ksmp_analytics_sink_events", "Events that a sink took or refused", ["sink", "outcome"])
faults: Final = Counter("ksmp_analytics_sink_faults", "Batches and deletions that came to nothing", ["sink"])
behind: Final = Gauge(
    "ksmp_analytics_sink_behind", "Stored events that a sink has not looked at, as its last sender saw it", ["sink"]
)
deletions_failed: Final = Counter(
    "ksmp_analytics_deletions_failed", "Deletions of users' events whose tries are used up", ["place"]
)
