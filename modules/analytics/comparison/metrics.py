"""The metrics of comparisons; a process has them once."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

differences: Final = Gauge(
    "ksmp_analytics_differences",
    "Figures of the days that were last compared that are not what the rows of their module say",
    multiprocess_mode="livemax",
)
compared_until: Final = Gauge(
    "ksmp_analytics_compared_until_timestamp_seconds",
    "The end of the last day whose facts were compared with rows",
    multiprocess_mode="livemax",
)
