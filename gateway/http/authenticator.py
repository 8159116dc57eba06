"""Turns the bearer token of a request into a principal."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import Provide
from litestar.types import Scope

from gateway.errors import Code, Refused
from gateway.principal import Principal
from gateway.realtime.identity_cache import IdentityCache


class RequestAuthenticator:
    def __init__(self, identities: IdentityCache) -> None:
        self._identities = identities

    async def authenticate(self, scope: Scope) -> Principal | None:
        """None without `Authorization`; raises Refused for one that is no good, Unavailable when nobody can tell."""
        # Litestar would read all headers into a structure of its own for this one.
        header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if header is None:
            return None
        scheme, _, token = header.decode("latin-1").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Refused(Code.UNAUTHENTICATED, "Authorization must be Bearer <token>")
        return await self._identities.principal(token)


def dependencies() -> dict[str, Provide]:
    """`principal` of a route that asks for a token (`NamedDependency[Principal]`); `visitor`, or None, of others."""
    return {
        "principal": Provide(_principal, sync_to_thread=False),
        "visitor": Provide(_visitor, sync_to_thread=False),
    }


def _principal(request: Request[Any, Any, Any]) -> Principal:
    visitor = _visitor(request)
    if visitor is None:
        raise RuntimeError("a route that takes a principal needs a policy that asks for a token")
    return visitor


def _visitor(request: Request[Any, Any, Any]) -> Principal | None:
    visitor = request.scope.get("user")
    return visitor if isinstance(visitor, Principal) else None
