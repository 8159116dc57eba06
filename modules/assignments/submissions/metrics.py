"""The metrics of submissions. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

turn_ins: Final = Counter(
    "ksmp_assignments_turn_ins",
    "Requests to turn in (accepted, repeated, refused; unavailable: by our fault)",
    ["outcome"],
)
late: Final = Counter("ksmp_assignments_turn_ins_late", "Accepted turn-ins that were late by the dates of then")
kept_stamps: Final = Counter(
    "ksmp_assignments_kept_stamps", "Accepted turn-ins that count from an earlier try, which failed by our fault"
)
seconds: Final = Histogram(
    "ksmp_assignments_turn_in_seconds",
    "Time from a request to turn in to its receipt",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
