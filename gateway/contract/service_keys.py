"""Service keys: proofs of programs that are no users, which a module keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.principal import ServicePrincipal


@dataclass(frozen=True, kw_only=True)
class ServiceKeys:
    """Contributed by the module that keeps API keys (`Module.contributions`).

    A route whose policy is `service(scope)` hands a bearer token that begins with `prefix` to `authenticate`, at every
    request, and takes no other token. A key is accepted nowhere else: not by routes of users, and by no socket.

    `authenticate` gives the service, or raises Refused `unauthenticated` for a key that is unknown, expired or revoked,
    and Unavailable. Whoever is refused counts for the limit of their address. No message holds a part of the key.
    """

    prefix: str
    authenticate: Callable[[str], Awaitable[ServicePrincipal]]
