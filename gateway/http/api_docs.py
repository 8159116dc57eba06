"""Serves the API's description and its pages at `/api/docs`, which load nothing from other hosts.

Each file is rendered and compressed once, in a thread: it is large, anyone may ask for it, and it stays the same.
"""

from __future__ import annotations

import asyncio
import importlib.util
import zlib
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

from gateway.auth.policy import OPT as POLICY
from gateway.auth.policy import anyone
from gateway.errors import not_found
from gateway.http import conditional
from gateway.http.compression import takes, zstd

PATH: Final = "/api/docs"
TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
# Swagger UI needs inline scripts and styles. Other origins stay blocked.
CONTENT: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
# To be asked for again each time, by its ETag.
CHECKED: Final = "public, no-cache"
A_DAY: Final = "public, max-age=86400"
PAGE: Final = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>KSMP's API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{PATH}/assets/swagger-ui.css">
<script src="{PATH}/assets/swagger-ui-bundle.js"></script>
</head>
<body>
<div id="pages"></div>
<script>SwaggerUIBundle({{url: "{PATH}/openapi.json", dom_id: "#pages", deepLinking: true}})</script>
</body>
</html>
"""


class File:
    """A body that is made once and then answered as it was, whole or compressed, or with 304."""

    def __init__(self, make: Callable[[], bytes], media_type: str, cache: str) -> None:
        self._make = make
        self._headers = {"Content-Type": media_type, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        self._made: asyncio.Future[dict[str, bytes]] | None = None

    async def answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        # What failed once, as for want of a file descriptor, is tried again.
        made = self._made
        if made is None or (made.done() and (made.cancelled() or made.exception() is not None)):
            made = self._made = asyncio.ensure_future(asyncio.to_thread(self._bodies))
        # Who goes away does not take it from the others who wait.
        bodies = await asyncio.shield(made)
        tag = self._headers["ETag"]
        given = [value for name, value in request.scope["headers"] if name == b"if-none-match"]
        if conditional.matches(given, tag.encode()):
            kept = {name: self._headers[name] for name in ("ETag", "Cache-Control", "Vary")}
            return Response(None, status_code=304, headers=kept)
        accepted = request.headers.get("accept-encoding", "").lower().encode()
        for encoding in ("zstd", "gzip"):
            if takes(accepted, encoding.encode()):
                return Response(bodies[encoding], headers=self._headers | {"Content-Encoding": encoding})
        return Response(bodies[""], headers=self._headers)

    def _bodies(self) -> dict[str, bytes]:
        body = self._make()
        self._headers["ETag"] = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
        gzip = zlib.compressobj(9, wbits=31)
        return {"": body, "zstd": zstd()(body, True), "gzip": gzip.compress(body) + gzip.flush()}


class OwnPages(OpenAPIRenderPlugin):
    """Tells Litestar that the pages are served: its own render the description anew for each request."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def has_path(self, path: str) -> bool:
        return path in (*self.paths, "/openapi.json")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return PAGE.encode()


def router(describe: Callable[[Litestar], Mapping[str, Any]]) -> Router:
    """The routes of one application; `describe` gives its description."""
    assets = {
        file.name: File(file.read_bytes, TYPES[file.suffix], A_DAY)
        for file in _folder().iterdir()
        if file.suffix in TYPES
    }
    description: list[File] = []

    @get("/openapi.json")
    async def openapi(request: Request[Any, Any, Any]) -> Response[Any]:
        if not description:
            app = request.app

            def render() -> bytes:
                return msgspec.json.encode(describe(app))

            description.append(File(render, "application/json", CHECKED))
        return await description[0].answer(request)

    @get("/assets/{name:str}")
    async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
        if name not in assets:
            raise not_found("there is no such file")
        return await assets[name].answer(request)

    return Router(
        PATH,
        route_handlers=[openapi, asset],
        include_in_schema=False,
        opt={POLICY: anyone()},
        response_headers={"Content-Security-Policy": CONTENT},
    )


def _folder() -> Path:
    """The folder of the package's files. The package is not imported, because that would load Flask."""
    found = importlib.util.find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("flask-swagger-ui is not installed")
    return Path(found.origin).parent / "dist"
