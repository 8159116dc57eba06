"""Serves the API's description and its pages at `/api/docs`, which load nothing from other hosts.

Each file is rendered and compressed once, in a thread: it is large, anyone may ask for it, and it stays the same.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

from gateway.auth.policy import OPT as POLICY
from gateway.auth.policy import anyone
from gateway.errors import not_found
from gateway.http.static_file import A_DAY, CHECKED, TYPES, StaticFile

PATH: Final = "/api/docs"
ASSETS: Final = (".js", ".css")
# Swagger UI needs inline scripts and styles. Other origins stay blocked.
CONTENT: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
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
        file.name: StaticFile(file.read_bytes, TYPES[file.suffix], A_DAY)
        for file in _folder().iterdir()
        if file.suffix in ASSETS
    }
    description: list[StaticFile] = []

    @get("/openapi.json")
    async def openapi(request: Request[Any, Any, Any]) -> Response[Any]:
        if not description:
            app = request.app

            def render() -> bytes:
                return msgspec.json.encode(describe(app))

            description.append(StaticFile(render, "application/json", CHECKED))
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
