"""Counts requests, by method, route and status.

A route is named by its template, so that ids make no series. The time has no status, which would multiply its buckets.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

# Requests for paths that no route has.
UNKNOWN: Final = "unknown"
# Few, because each of some hundred routes has a series for each.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class RequestMetrics:
    """The collectors of one process; times in seconds."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._count = Counter("ksmp_requests", "Requests", ["method", "path", "status_code"], registry=registry)
        self._seconds = Histogram(
            "ksmp_request_duration_seconds",
            "From the request's head to the end of its answer",
            ["method", "path"],
            registry=registry,
            buckets=SECONDS,
        )
        self._running = Gauge(
            "ksmp_requests_in_progress", "Requests being served", registry=registry, multiprocess_mode="livesum"
        )
        self.collectors = (self._count, self._seconds, self._running)
        # A look at labels takes longer than counting.
        self._counts: dict[tuple[str, str, int], Counter] = {}
        self._times: dict[tuple[str, str], Histogram] = {}

    def begun(self) -> None:
        self._running.inc()

    def ended(self, method: str, template: str | None, status: int, seconds: float) -> None:
        """Count a request of this route; None is no route."""
        path = template or UNKNOWN
        self._running.dec()
        count = self._counts.get((method, path, status))
        if count is None:
            count = self._counts[method, path, status] = self._count.labels(method, path, status)
        count.inc()
        timer = self._times.get((method, path))
        if timer is None:
            timer = self._times[method, path] = self._seconds.labels(method, path)
        timer.observe(seconds)
