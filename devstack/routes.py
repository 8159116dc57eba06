"""Routes of a gateway of `ksmp dev`: the page, the development issuer's keys and its tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from devstack import outbox, razorpay
from devstack.issuer import DevelopmentIssuer
from gateway.auth.policy import anyone
from gateway.errors import invalid
from gateway.principal import Role
from gateway.protocol.names import is_user_id
from gateway.settings import Settings

PAGE = Path(__file__).parent / "page"
TTL = 8 * 3600.0

# The page inserts what people write as text; should it ever not, the browser still runs nothing of it. The checkout is
# the stand-in's: its script, and the frame that this opens.
POLICY = (
    "default-src 'none'; script-src 'self'{stand_in}; frame-src {frames}; style-src 'self'; connect-src 'self'; "
    "img-src data:"
)
TAGS = ["development"]
KINDS = {".js": "text/javascript", ".css": "text/css"}


class Signed(msgspec.Struct, frozen=True):
    token: str

    @classmethod
    def example(cls) -> Signed:
        return cls("eyJhbGciOiJSUzI1NiIs…")


class Info(msgspec.Struct, frozen=True):
    """Facts for the page: the origins that it may be opened on, who teaches the demo class, and what there is to buy.

    `checkout` is the address of the script that opens the stand-in's checkout; empty where there is none.
    """

    gateways: list[str]
    mentor: str = "dev-mentor"
    program: str = "demo-paid"
    coupon: str = "WELCOME10"
    checkout: str = ""

    @classmethod
    def example(cls) -> Info:
        return cls(["http://localhost:8000", "http://localhost:8001"])


def routes(settings: Settings) -> list[HTTPRouteHandler]:
    """Anyone who reaches the port may be anyone: never mounted outside development.

    An entry point of the group `ksmp.development`.
    """
    issuer = DevelopmentIssuer(
        Path(settings.development_issuer), issuer=settings.issuer, client_id=settings.client_ids[0]
    )

    stand_in = razorpay.stand_in(os.environ)
    policy = POLICY.format(stand_in=f" {stand_in}" if stand_in else "", frames=stand_in or "'none'")
    checkout = f"{stand_in}{razorpay.API}{razorpay.CHECKOUT}" if stand_in else ""

    @get("/", policy=anyone(limited=False), include_in_schema=False, media_type="text/html", sync_to_thread=True)
    def page() -> Response[bytes]:
        return _file("index.html", "text/html", policy)

    @get("/dev/page/{name:str}", policy=anyone(limited=False), include_in_schema=False, sync_to_thread=True)
    def asset(name: FromPath[str]) -> Response[bytes]:
        kind = KINDS.get(Path(name).suffix)
        if kind is None or name not in {path.name for path in PAGE.iterdir()}:
            return Response(b"", status_code=404)
        return _file(name, kind, policy)

    @get("/dev/info", policy=anyone(limited=False), tags=TAGS, sync_to_thread=False)
    def info() -> Info:
        """Where the gateways are, and what there is to try."""
        return Info(list(settings.allowed_origins), checkout=checkout)

    @get("/dev/jwks.json", policy=anyone(limited=False), tags=TAGS, sync_to_thread=False)
    def jwks() -> dict[str, Any]:
        """The keys that the tokens are signed with (RFC 7517)."""
        return issuer.jwks()

    @get("/dev/token", policy=anyone(limited=False), tags=TAGS, sync_to_thread=False)
    def token(
        user: Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="The user's id")],
        role: FromQuery[Role],
        name: FromQuery[str] = "",
    ) -> Signed:
        """A token for whoever one likes to be."""
        if not is_user_id(user):
            raise invalid("user must be 1 to 64 characters from A-Z a-z 0-9 _ -")
        return Signed(issuer.token(user, name=name[:100] or user, role=role, ttl=min(TTL, settings.token_life)))

    return [page, asset, info, jwks, token, *outbox.routes(settings.aws_endpoint)]


def _file(name: str, kind: str, policy: str) -> Response[bytes]:
    # Never kept by the browser, so that an edited file is seen at once.
    headers = {"content-security-policy": policy, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response((PAGE / name).read_bytes(), media_type=kind, headers=headers)
