"""Answers `OPTIONS` with all methods of a path. Litestar's own answer names only those of the last handler."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

# They have no end, so HEAD would wait for it.
STREAMS: Final = frozenset({"/realtime/sse"})


class AllowedMethods(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    def __init__(self) -> None:
        self._allowed: dict[str, str] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope.get("method") != "OPTIONS":
            await next_app(scope, receive, send)
            return
        if not self._allowed:
            self._allowed = _methods(scope["litestar_app"])
        headers = {"Allow": self._allowed.get(scope["path_template"], "OPTIONS")}
        response: Response[None] = Response(None, status_code=204, headers=headers)
        await response.to_asgi_response(app=None, request=Request(scope, receive, send))(scope, receive, send)


def listed(path: str, methods: Collection[str]) -> str:
    """The value of `Allow` for a path with handlers for these methods: whatever answers GET answers HEAD."""
    head = "GET" in methods and path.rstrip("/") not in STREAMS
    return ", ".join(sorted({*methods, *(["HEAD"] if head else [])}))


def _methods(app: Litestar) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                found.setdefault(route.path_format, set()).update(handler.http_methods)
    return {path: listed(path, methods) for path, methods in found.items()}
