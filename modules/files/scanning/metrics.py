"""The metrics of scans. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

scans: Final = Counter(
    "ksmp_files_scans",
    "Files that left the quarantine, by what the scan came to; failed ones are tried again",
    ["outcome"],
)
seconds: Final = Histogram("ksmp_files_scan_seconds", "From the first byte read to the verdict", buckets=SECONDS)
silent: Final = Gauge(
    "ksmp_files_scanner_silent",
    "1 after a scan without a verdict, until one has one; anything but 0 for long is an alarm",
    multiprocess_mode="livemax",
)
quarantined: Final = Gauge("ksmp_files_quarantined", "Files that wait for their scan", multiprocess_mode="livemax")
oldest: Final = Gauge(
    "ksmp_files_quarantined_oldest_seconds",
    "For how long the oldest of them has waited; 0 when there is none",
    multiprocess_mode="livemax",
)
