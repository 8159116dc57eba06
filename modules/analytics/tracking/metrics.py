"""The metrics of client events. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

tracked: Final = Counter("ksmp_analytics_client_events", "Client events that came, by what became of them", ["outcome"])
