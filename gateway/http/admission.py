"""Checks every request before its route runs: the token, the rate limits, the route's policy, its address and query."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.auth.policy import policy_of
from gateway.client_network import network_of
from gateway.contract.command import Rate
from gateway.errors import KsmpError, Limited, Refused, forbidden
from gateway.http import problems
from gateway.http.authenticator import RequestAuthenticator
from gateway.http.envelope import add_headers
from gateway.http.json_request import check_address
from gateway.http.rates import RateDecision, Rates
from gateway.http.unknown_parameters import check_parameters
from gateway.principal import Principal, ServicePrincipal
from gateway.settings import Settings

# A route's own limit, `rate=Rate(5, 60.0)`, in addition to the limit on all requests.
RATE_OPT: Final = "rate"


class RequestAdmission(ASGIMiddleware):
    """Refuses requests with a problem before they reach their route.

    Signed-in users are limited by their id, so that a school behind one address is not one caller. A token that was
    good once is limited by itself: the 401 that tells its user to refresh it does not depend on others behind the
    address. Services are limited by their id, all keys of one together. All other requests are limited by address.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, authenticator: RequestAuthenticator, rates: Rates, settings: Settings) -> None:
        self._authenticator = authenticator
        self._rates = rates
        self._settings = settings

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        try:
            await self._admit(Request(scope))
        except KsmpError as error:
            await problems.answer(error, scope, receive, send)
            return
        await next_app(scope, receive, send)

    async def _admit(self, request: Request[Any, Any, Any]) -> None:
        scope = request.scope
        handler = scope["route_handler"]
        policy = policy_of(handler)
        if policy is None:
            raise forbidden("this route states no policy")
        principal: Principal | ServicePrincipal | None = None
        refused: Refused | None = None
        if policy.asks != "never":
            try:
                if policy.asks == "service":
                    principal = await self._authenticator.authenticate_service(scope)
                else:
                    principal = await self._authenticator.authenticate(scope)
            except Refused as error:
                refused = error
        scope["user"] = principal
        if policy.limited:
            self._count(request, principal, refused, handler.opt.get(RATE_OPT))
        if refused is not None:
            raise refused
        policy.check(principal)
        check_address(request)
        check_parameters(request)

    def _count(
        self,
        request: Request[Any, Any, Any],
        principal: Principal | ServicePrincipal | None,
        refused: Refused | None,
        own: Rate | None,
    ) -> None:
        settings, scope = self._settings, request.scope
        if isinstance(principal, ServicePrincipal):
            who = f"service {principal.id}"
            taken = self._rates.take(who, principal.rate, principal.burst)
        elif principal is not None:
            who = f"user {principal.id}"
            taken = self._rates.take(who, settings.request_rate, settings.request_burst)
        elif refused is not None and refused.token_was_good:
            who = f"token {_signed(request.headers['authorization'])}"
            taken = self._rates.take(who, settings.request_rate, settings.request_burst)
        else:
            client = scope.get("client")
            who = f"address {network_of(client[0]) if client else 'unknown'}"
            taken = self._rates.take(who, settings.address_rate, settings.address_burst)
        if own is not None and taken.wait == 0.0:
            key = f"{who} {request.method} {scope['path_template']}"
            taken = min(taken, self._rates.take(key, own.count / own.seconds, own.count), key=_strictness)
        add_headers(scope, taken.headers())
        if taken.wait > 0.0:
            raise Limited("too many requests", retry_after=taken.wait)


def _signed(authorization: str) -> str:
    """A hash of what the signature covers. The signature itself may be written in several ways."""
    token = authorization.partition(" ")[2].strip()
    return blake2b(token.rpartition(".")[0].encode(), digest_size=16).hexdigest()


def _strictness(taken: RateDecision) -> tuple[bool, int]:
    return taken.wait == 0.0, taken.left
