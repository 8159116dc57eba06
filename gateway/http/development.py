"""What only `ksmp dev` serves: the page, the development issuer's keys and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.auth.issuer import DevelopmentIssuer
from gateway.errors import invalid
from gateway.principal import Role
from gateway.protocol.names import is_user_id

PAGE = Path(__file__).parent / "page"
TTL = 8 * 3600.0


class Signed(msgspec.Struct, frozen=True):
    token: str


def routes(issuer: DevelopmentIssuer) -> list[HTTPRouteHandler]:
    """Anyone who reaches the port may be anyone: never mounted outside development."""

    @get("/", include_in_schema=False, media_type="text/html", sync_to_thread=False)
    def page() -> Response[bytes]:
        return Response((PAGE / "index.html").read_bytes(), media_type="text/html")

    @get("/dev/page/{name:str}", include_in_schema=False, sync_to_thread=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        kinds = {"page.js": "text/javascript", "page.css": "text/css"}
        if name not in kinds:
            return Response(b"", status_code=404)
        return Response((PAGE / name).read_bytes(), media_type=kinds[name])

    @get("/dev/jwks.json", include_in_schema=False, sync_to_thread=False)
    def jwks() -> dict[str, Any]:
        return issuer.jwks()

    @get("/dev/token", include_in_schema=False, sync_to_thread=False)
    def token(user: FromQuery[str], role: FromQuery[Role], name: FromQuery[str] = "") -> Signed:
        if not is_user_id(user):
            raise invalid("user must be 1 to 64 characters from A-Z a-z 0-9 _ -")
        return Signed(issuer.token(user, name=name[:100] or user, role=role, ttl=TTL))

    return [page, asset, jwks, token]
