"""Lets pages of other origins call the API: the same origins that may open a socket."""

from __future__ import annotations

from typing import Any, Final

from litestar.config.cors import CORSConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.settings import Settings

METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SENT: Final = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-ID",
]
# Response headers that a page's script may read.
SHOWN: Final = [
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Policy",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
]


def config(settings: Settings) -> CORSConfig:
    """CORS without credentials, because the token is in a header and there are no cookies."""
    return CORSConfig(
        allow_origins=list(settings.allowed_origins),
        allow_methods=METHODS,  # type: ignore[arg-type]
        allow_headers=SENT,
        expose_headers=SHOWN,
        allow_credentials=False,
        max_age=600,
    )


class OnlyAcrossOrigins:
    """Passes requests without an `Origin` by Litestar's middleware, which reads all headers to find out about that."""

    def __init__(self, cors: Any) -> None:
        self._cors: ASGIApp = cors
        self._within: ASGIApp = cors.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        crosses = any(name == b"origin" for name, _ in scope["headers"])
        await (self._cors if crosses else self._within)(scope, receive, send)
