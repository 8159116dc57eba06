"""The metrics of the calls of S3. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5, 5.0, 10.0)

calls: Final = Counter("ksmp_files_s3_calls", "Calls of S3 for files", ["operation", "outcome"])
seconds: Final = Histogram(
    "ksmp_files_s3_seconds", "From asked to answered; of reads to the first byte", ["operation"], buckets=SECONDS
)
breaker_open: Final = Gauge(
    "ksmp_files_s3_breaker_open",
    "1 after several failed calls in a row, until one succeeds",
    multiprocess_mode="livemax",
)
