"""What only `ksmp dev` serves: the page, the development issuer's keys and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.auth.issuer import DevelopmentIssuer
from gateway.errors import invalid
from gateway.principal import Role
from gateway.protocol.names import is_user_id

PAGE = Path(__file__).parent / "page"
TTL = 8 * 3600.0


# The page inserts what people write as text; should it ever not, the browser still runs nothing of it.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
KINDS = {".js": "text/javascript", ".css": "text/css"}


class Signed(msgspec.Struct, frozen=True):
    token: str


class Info(msgspec.Struct, frozen=True):
    """What the page needs to know: the origins it may be opened on, and who teaches the demo class."""

    gateways: list[str]
    mentor: str = "dev-mentor"


def routes(issuer: DevelopmentIssuer) -> list[HTTPRouteHandler]:
    """Anyone who reaches the port may be anyone: never mounted outside development."""

    @get("/", include_in_schema=False, media_type="text/html", sync_to_thread=False)
    def page() -> Response[bytes]:
        return _file("index.html", "text/html")

    @get("/dev/page/{name:str}", include_in_schema=False, sync_to_thread=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        kind = KINDS.get(Path(name).suffix)
        if kind is None or name not in {path.name for path in PAGE.iterdir()}:
            return Response(b"", status_code=404)
        return _file(name, kind)

    @get("/dev/info", include_in_schema=False, sync_to_thread=False)
    def info(request: Request[Any, Any, Any]) -> Info:
        return Info(list(request.app.state["gateway"].settings.allowed_origins))

    @get("/dev/jwks.json", include_in_schema=False, sync_to_thread=False)
    def jwks() -> dict[str, Any]:
        return issuer.jwks()

    @get("/dev/token", include_in_schema=False, sync_to_thread=False)
    def token(user: FromQuery[str], role: FromQuery[Role], name: FromQuery[str] = "") -> Signed:
        if not is_user_id(user):
            raise invalid("user must be 1 to 64 characters from A-Z a-z 0-9 _ -")
        return Signed(issuer.token(user, name=name[:100] or user, role=role, ttl=TTL))

    return [page, asset, info, jwks, token]


def _file(name: str, kind: str) -> Response[bytes]:
    # Never kept by the browser, so that an edited file is seen at once.
    headers = {"content-security-policy": POLICY, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response((PAGE / name).read_bytes(), media_type=kind, headers=headers)
