"""Turns the bearer token of a request into a principal."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from cachetools import LRUCache
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import Provide

from gateway.errors import Code, Refused
from gateway.principal import Principal

KEPT: Final = 20_000

Verify = Callable[[str], Awaitable[Principal]]


class RequestAuthenticator:
    """Turns tokens into principals.

    A token is verified for each request, which costs little for one seen before. What the modules say of its user
    (`identified`, a query) is used again for `fresh` seconds; that they could not be asked, until `ask_again`.
    """

    def __init__(self, verify: Verify, identified: Verify, check: Callable[[Principal], None], fresh: float) -> None:
        """`check` raises Refused for one who is kept out, whatever was said of them before."""
        self._verify = verify
        self._check = check
        self._identified = identified
        self._fresh = fresh
        # What was claimed, who that is, and until when.
        self._known: LRUCache[str, tuple[Principal, Principal, float]] = LRUCache(KEPT)
        self._forgotten = 0
        self._unidentified: set[str] = set()

    async def authenticate(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Principal | None:
        """None without `Authorization`; raises Refused for one that is no good, Unavailable when nobody can tell."""
        header = connection.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Refused(Code.UNAUTHENTICATED, "Authorization must be Bearer <token>")
        claimed = await self._verify(token)
        self._check(claimed)
        known = self._known.get(claimed.id)
        now = time.monotonic()
        # All that is claimed must be the same, the token's own id too: a logout revokes the token that it came with.
        if known is not None and known[2] > now and known[0] == claimed:
            return known[1]
        forgotten = self._forgotten
        principal = await self._identified(token)
        if forgotten != self._forgotten:
            # It may be this user's answer that is out of date by now.
            return principal
        if not principal.identified:
            self._unidentified.add(claimed.id)
        self._known[claimed.id] = (claimed, principal, now + self._fresh)
        return principal

    def forget(self, user: str) -> None:
        """Ask the modules again at the user's next request."""
        self._known.pop(user, None)
        self._forgotten += 1

    def ask_again(self) -> None:
        """The modules can be asked: do not go by the token of those of whom they could say nothing."""
        unidentified, self._unidentified = self._unidentified, set()
        for user in unidentified:
            self.forget(user)


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
