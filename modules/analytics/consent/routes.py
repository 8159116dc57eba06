"""The routes of consent: a user's own."""

from __future__ import annotations

from typing import Final

from litestar import Response, Router, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.http.etag import tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.analytics.consent.consents import Consents
from modules.analytics.consent.messages import Consent, ConsentChoice

# A choice that is taken back is a deletion in every sink, whose vendors take few of them.
CHOICES: Final = Rate(count=30, seconds=3600.0)


@get("/consent", policy=signed_in(), conditional=False)
async def read_consent(principal: NamedDependency[Principal], consents: NamedDependency[Consents]) -> Response[Consent]:
    """What you chose about analytics."""
    return tagged(await consents.read(principal.id))


@put("/consent", policy=signed_in(), rate=CHOICES)
async def choose_consent(
    data: JSONBody[ConsentChoice], principal: NamedDependency[Principal], consents: NamedDependency[Consents]
) -> Response[Consent]:
    """Choose what analytics may store and send on. What you allow no more is deleted, in the sinks as well."""
    return tagged(await consents.choose(principal, data))


def router(consents: Consents) -> Router:
    return Router("/analytics", route_handlers=[read_consent, choose_consent], dependencies=services(consents=consents))
