"""The routes of services and keys, for admins.

No route that shows a secret takes an `Idempotency-Key`: the answer would be kept with the secret in it.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from gateway.auth.policy import roles
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services as provided
from gateway.principal import Principal, Role
from modules.integrations.services.messages import (
    KeyView,
    NewKey,
    NewService,
    Rotation,
    ServiceChange,
    ServiceView,
    ShownKey,
)
from modules.integrations.services.services import Services

ADMIN = roles(Role.ADMIN)
KeyId = Annotated[str, PathParameter(pattern="^[a-z0-9]{16}$")]


@post("/services", policy=ADMIN, idempotent=True)
async def create_service(
    data: JSONBody[NewService], principal: NamedDependency[Principal], services: NamedDependency[Services]
) -> Response[ServiceView]:
    """Make a service: a program that is to have API keys and webhooks."""
    made = await services.create(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/integrations/services/{made.id}"})


@get("/services", policy=ADMIN)
async def list_services(span: NamedDependency[Span], services: NamedDependency[Services]) -> Page[ServiceView]:
    """All services, the newest first."""
    return await services.page(span)


@get("/services/{id:uuid}", policy=ADMIN)
async def read_service(id: FromPath[UUID], services: NamedDependency[Services]) -> Response[ServiceView]:
    """One service."""
    return tagged(await services.read(id))


@patch("/services/{id:uuid}", policy=ADMIN)
async def change_service(
    id: FromPath[UUID],
    data: JSONBody[ServiceChange],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    if_match: NamedDependency[IfMatch],
) -> Response[ServiceView]:
    """Rename a service, or disable it with all its keys and webhooks."""
    return tagged(await services.change(principal, id, data, if_match))


@post("/services/{id:uuid}/keys", policy=ADMIN)
async def add_key(
    id: FromPath[UUID],
    data: JSONBody[NewKey],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> ShownKey:
    """Make an API key. Its secret is in this answer, and is never shown again."""
    return await services.add_key(principal, id, data)


@get("/services/{id:uuid}/keys", policy=ADMIN)
async def list_keys(
    id: FromPath[UUID], span: NamedDependency[Span], services: NamedDependency[Services]
) -> Page[KeyView]:
    """The keys of a service without their secrets, also those that are over, the newest first."""
    return await services.keys(id, span)


@post("/keys/{id:str}/rotate", policy=ADMIN)
async def rotate_key(
    id: KeyId, data: JSONBody[Rotation], principal: NamedDependency[Principal], services: NamedDependency[Services]
) -> ShownKey:
    """Make a key with the same rights. The old one is good for the overlap, and then refused."""
    return await services.rotate(principal, id, data)


@delete("/keys/{id:str}", policy=ADMIN)
async def revoke_key(id: KeyId, principal: NamedDependency[Principal], services: NamedDependency[Services]) -> None:
    """Refuse a key at once, on every gateway; a repeat changes nothing."""
    await services.revoke(principal, id)


def router(services: Services) -> Router:
    return Router(
        "/integrations",
        route_handlers=[
            create_service,
            list_services,
            read_service,
            change_service,
            add_key,
            list_keys,
            rotate_key,
            revoke_key,
        ],
        dependencies=provided(services=services),
    )
