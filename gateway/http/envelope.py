"""Gives every HTTP request an id and every answer its common headers, and counts it, also where there is no such route.

Sockets pass through unchanged.
"""

from __future__ import annotations

import re
import time
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http import allowed_methods
from gateway.http.request_metrics import RequestMetrics
from gateway.identifier import new_id

HEADER: Final = b"x-request-id"
# A caller's own id goes into our logs, so it must be short and of harmless characters.
SANE: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
ID: Final = "request_id"
ADDED: Final = "response_headers"
# The status in the metrics of a request whose client left before the answer began; nginx uses the same number.
LEFT: Final = 499

# A route may set its own value of each.
SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cache-control", b"no-store"),
)


def request_id(scope: Scope) -> str:
    """The id of a request: the caller's own `X-Request-ID`, or a new one."""
    return str(scope["state"].get(ID, ""))


def add_headers(scope: Scope, headers: list[tuple[bytes, bytes]]) -> None:
    """Add these headers to the answer, also when it is an error."""
    scope["state"].setdefault(ADDED, []).extend(headers)


class Envelope:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        id = given.decode() if SANE.fullmatch(given) else new_id()
        state: dict[str, Any] = scope["state"]
        state[ID] = id
        structlog.contextvars.bind_contextvars(request=id)
        status = LEFT
        if scope["method"] == "HEAD" and scope["path"].rstrip("/") not in allowed_methods.STREAMS:
            # Answered as GET is. The server leaves the body out, by its own scope (RFC 9110, section 9.3.2).
            scope = {**scope, "method": "GET"}

        async def sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                headers += [pair for pair in SECURITY if pair[0] not in present]
                headers += [pair for pair in state.get(ADDED, ()) if pair[0] not in present]
                if b"content-encoding" in present and not any(_names_encoding(pair) for pair in headers):
                    # Litestar's CORS has put its own `Vary` in the place of what was there.
                    headers.append((b"vary", b"Accept-Encoding"))
                headers.append((HEADER, id.encode()))
                message["headers"] = headers
            await send(message)

        started = time.perf_counter()
        self._metrics.begun()
        try:
            await self._app(scope, receive, sealed)
        finally:
            self._metrics.ended(scope["method"], scope.get("path_template"), status, time.perf_counter() - started)


def _names_encoding(header: tuple[bytes, bytes]) -> bool:
    return header[0].lower() == b"vary" and b"accept-encoding" in header[1].lower()
