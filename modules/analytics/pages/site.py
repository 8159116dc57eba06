"""Serves the files of the dashboards: one page, its own modules of JavaScript, and ECharts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from gateway.auth.policy import anyone
from gateway.errors import not_found
from gateway.http.static_file import CHECKED, FOR_EVER, TYPES, StaticFile

PATH: Final = "/dashboards"
OWN: Final = Path(__file__).parent / "web"
VENDOR: Final = Path(__file__).parent / "vendor"
INDEX: Final = "index.html"
# Scripts, styles, pictures and requests are of this origin alone, and none stands in the page itself. A socket to the
# origin is `connect-src 'self'` too.
CONTENT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The files say nothing about anybody, and are compressed once: no limit counts, so that a class behind one address can
# open them at once.
OPEN: Final = anyone(limited=False)


def router() -> Router:
    """`/dashboards`, and beside it each file by its name."""
    files = {path.name: _file(path, CHECKED) for path in OWN.iterdir()}
    # Their names have the version in them.
    files |= {path.name: _file(path, FOR_EVER) for path in VENDOR.rglob("*.js")}
    index = files.pop(INDEX)

    @get("/", policy=OPEN, any_query=True)
    async def page(request: Request[Any, Any, Any]) -> Response[Any]:
        return await index.answer(request)

    @get("/{name:str}", policy=OPEN)
    async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
        if name not in files:
            raise not_found("there is no such file")
        return await files[name].answer(request)

    return Router(PATH, route_handlers=[page, asset])


def _file(path: Path, cache: str) -> StaticFile:
    return StaticFile(path.read_bytes, TYPES[path.suffix], cache, {"Content-Security-Policy": CONTENT})
