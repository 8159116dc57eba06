"""Serves `GET /metrics` on the public port for whoever has the token of the metrics."""

from __future__ import annotations

import secrets
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client.exposition import choose_encoder

from gateway.auth.policy import otherwise
from gateway.errors import Code, Refused
from gateway.settings import Settings
from gateway.telemetry.exposition import collectors

BEARER: Final = "Bearer "


def routes(settings: Settings) -> list[HTTPRouteHandler]:
    """`GET /metrics`, where a token is set for it; nothing otherwise."""
    wanted = settings.metrics_token
    if not wanted:
        return []

    @get(
        "/metrics",
        policy=otherwise("the token of the metrics"),
        media_type="text/plain",
        include_in_schema=False,
        sync_to_thread=True,
    )
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The metrics of this gateway, all its workers included, in the format that the scraper prefers."""
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), (BEARER + wanted).encode()):
            raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token of the metrics> is missing or wrong")
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(collectors()), headers={"Content-Type": kind})

    return [metrics]
