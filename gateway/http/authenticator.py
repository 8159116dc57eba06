"""Turns the bearer token of a request into a principal: a user, or a service on the routes that are for services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Request
from litestar.di import Provide
from litestar.types import Scope

from gateway.contract.service_keys import ServiceKeys
from gateway.errors import Code, Refused
from gateway.principal import Principal, ServicePrincipal
from gateway.realtime.identity_cache import IdentityCache


class RequestAuthenticator:
    def __init__(self, identities: IdentityCache, keys: Callable[[], Sequence[ServiceKeys]]) -> None:
        """`keys` gives what the modules contributed."""
        self._identities = identities
        self._keys = keys

    async def authenticate(self, scope: Scope) -> Principal | None:
        """None without `Authorization`; raises Refused for one that is no good, Unavailable when nobody can tell."""
        token = _bearer(scope)
        return None if token is None else await self._identities.principal(token)

    async def authenticate_service(self, scope: Scope) -> ServicePrincipal | None:
        """The same for a route of services, which takes keys alone."""
        token = _bearer(scope)
        if token is None:
            return None
        for keys in self._keys():
            if token.startswith(keys.prefix):
                return await keys.authenticate(token)
        raise Refused(Code.UNAUTHENTICATED, "this route takes the API key of a service, and no other token")


def dependencies() -> dict[str, Provide]:
    """`principal` of a route that asks for a token (`NamedDependency[Principal]`); `visitor`, or None, of others.

    `service` of a route of services (`NamedDependency[ServicePrincipal]`).
    """
    return {
        "principal": Provide(_principal, sync_to_thread=False),
        "visitor": Provide(_visitor, sync_to_thread=False),
        "service": Provide(_service, sync_to_thread=False),
    }


def _bearer(scope: Scope) -> str | None:
    # Litestar would read all headers into a structure of its own for this one.
    header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    if header is None:
        return None
    scheme, _, token = header.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Refused(Code.UNAUTHENTICATED, "Authorization must be Bearer <token>")
    return token


def _principal(request: Request[Any, Any, Any]) -> Principal:
    visitor = _visitor(request)
    if visitor is None:
        raise RuntimeError("a route that takes a principal needs a policy that asks for a token")
    return visitor


def _visitor(request: Request[Any, Any, Any]) -> Principal | None:
    visitor = request.scope.get("user")
    return visitor if isinstance(visitor, Principal) else None


def _service(request: Request[Any, Any, Any]) -> ServicePrincipal:
    service = request.scope.get("user")
    if not isinstance(service, ServicePrincipal):
        raise RuntimeError("a route that takes a service needs the policy service(…)")
    return service
