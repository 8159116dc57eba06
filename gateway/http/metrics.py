"""Serves `GET /metrics` for a scraper inside the network."""

from __future__ import annotations

from litestar import Response, get
from litestar.plugins.prometheus import PrometheusController

from gateway.auth.policy import anyone


class MetricsController(PrometheusController):
    @get(policy=anyone(limited=False), media_type="text/plain", tags=["health"])
    async def get(self) -> Response[bytes]:
        """The metrics of this process, in Prometheus' text format."""
        answer: Response[bytes] = await PrometheusController.get.fn(self)
        return answer
