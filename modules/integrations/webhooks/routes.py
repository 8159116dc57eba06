"""The routes of webhooks: for admins on the endpoints of all services, and for a service on its own.

Both have the same routes, so they are made twice. No route that shows a secret takes an `Idempotency-Key`: the answer
would be kept with the secret in it.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import Policy, roles
from gateway.auth.policy import service as keys_with
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role, ServicePrincipal
from modules.integrations.services.messages import Rotation
from modules.integrations.services.scopes import Scope
from modules.integrations.webhooks.endpoints import Endpoints, Owner
from modules.integrations.webhooks.messages import (
    DeliveryView,
    EndpointChange,
    EndpointView,
    EventCatalogue,
    NewEndpoint,
    Replay,
    Replayed,
    ShownEndpoint,
)
from modules.integrations.webhooks.states import DeliveryState

ADMIN = roles(Role.ADMIN)
KEY = keys_with(Scope.WEBHOOKS)
OWN = keys_with(Scope.WEBHOOKS, owner="the endpoint is its own")
State = Annotated[DeliveryState | None, QueryParameter(name="state", description="Only those of this state")]


def _endpoint_routes(policy: Policy, whose: str) -> list[Any]:
    """The routes of endpoints that exist. `whose` keeps the names of the two kinds apart in the API's description."""

    def named(verb: str, noun: str) -> str:
        return ".".join(("integrations", f"{verb}_{whose}{noun}"))

    @get("/endpoints/{id:uuid}", policy=policy, operation_id=named("read", "endpoint"), conditional=False)
    async def read_endpoint(
        id: FromPath[UUID], owner: NamedDependency[Owner], endpoints: NamedDependency[Endpoints]
    ) -> Response[EndpointView]:
        """One endpoint, with how it does."""
        return tagged(await endpoints.read(owner, id))

    @patch("/endpoints/{id:uuid}", policy=policy, operation_id=named("change", "endpoint"))
    async def change_endpoint(
        id: FromPath[UUID],
        data: JSONBody[EndpointChange],
        owner: NamedDependency[Owner],
        endpoints: NamedDependency[Endpoints],
        if_match: NamedDependency[IfMatch],
    ) -> Response[EndpointView]:
        """Change an endpoint, disable it, or enable it again. What waits for one that is disabled has failed."""
        return tagged(await endpoints.change(owner, id, data, if_match))

    @delete("/endpoints/{id:uuid}", policy=policy, operation_id=named("delete", "endpoint"))
    async def delete_endpoint(
        id: FromPath[UUID], owner: NamedDependency[Owner], endpoints: NamedDependency[Endpoints]
    ) -> None:
        """Delete an endpoint; nothing is sent to it any more."""
        await endpoints.delete(owner, id)

    @post("/endpoints/{id:uuid}/secret", policy=policy, operation_id=named("rotate", "secret"))
    async def rotate_secret(
        id: FromPath[UUID],
        data: JSONBody[Rotation],
        owner: NamedDependency[Owner],
        endpoints: NamedDependency[Endpoints],
    ) -> ShownEndpoint:
        """Make another secret. For the overlap webhooks have a signature of each."""
        return await endpoints.rotate(owner, id, data)

    @post("/endpoints/{id:uuid}/ping", policy=policy, operation_id=named("ping", "endpoint"))
    async def ping_endpoint(
        id: FromPath[UUID], owner: NamedDependency[Owner], endpoints: NamedDependency[Endpoints]
    ) -> DeliveryView:
        """Send the test event `integrations.ping`. What becomes of it is in the list of deliveries."""
        return await endpoints.ping(owner, id)

    @get("/endpoints/{id:uuid}/deliveries", policy=policy, operation_id=named("list", "deliveries"))
    async def list_deliveries(
        id: FromPath[UUID],
        span: NamedDependency[Span],
        owner: NamedDependency[Owner],
        endpoints: NamedDependency[Endpoints],
        # Litestar keeps the name `state` for itself.
        wanted: State = None,
    ) -> Page[DeliveryView]:
        """What was sent to an endpoint, or waits for it, the newest first."""
        return await endpoints.deliveries(owner, id, wanted, span)

    @post(
        "/endpoints/{id:uuid}/replay",
        policy=policy,
        operation_id=named("replay", "failed"),
        status_code=200,
    )
    async def replay_failed(
        id: FromPath[UUID],
        data: JSONBody[Replay],
        owner: NamedDependency[Owner],
        endpoints: NamedDependency[Endpoints],
    ) -> Replayed:
        """Send again all that failed since a time, in the order in which it happened."""
        return await endpoints.replay_since(owner, id, data)

    @post(
        "/endpoints/{id:uuid}/deliveries/{event:uuid}/replay",
        policy=policy,
        operation_id=named("replay", "delivery"),
        status_code=200,
    )
    async def replay_delivery(
        id: FromPath[UUID],
        event: FromPath[UUID],
        owner: NamedDependency[Owner],
        endpoints: NamedDependency[Endpoints],
    ) -> DeliveryView:
        """Send one event again, by its `webhook-id`, which stays. One that waits already is left as it is."""
        return await endpoints.replay(owner, id, event)

    @get("/events", policy=policy, operation_id=named("list", "events"))
    async def list_events(endpoints: NamedDependency[Endpoints]) -> EventCatalogue:
        """All events that webhooks tell of."""
        return endpoints.catalogue()

    return [
        read_endpoint,
        change_endpoint,
        delete_endpoint,
        rotate_secret,
        ping_endpoint,
        list_deliveries,
        replay_failed,
        replay_delivery,
        list_events,
    ]


@post("/services/{id:uuid}/endpoints", policy=ADMIN)
async def add_endpoint(
    id: FromPath[UUID],
    data: JSONBody[NewEndpoint],
    owner: NamedDependency[Owner],
    endpoints: NamedDependency[Endpoints],
) -> ShownEndpoint:
    """Send webhooks of a service to an address. The secret is in this answer, and is never shown again."""
    return await endpoints.create(owner, id, data)


@get("/services/{id:uuid}/endpoints", policy=ADMIN, conditional=False)
async def list_endpoints(
    id: FromPath[UUID], span: NamedDependency[Span], endpoints: NamedDependency[Endpoints]
) -> Page[EndpointView]:
    """The endpoints of a service, the newest first."""
    return await endpoints.page(id, span)


@post("/endpoints", policy=KEY)
async def add_own_endpoint(
    data: JSONBody[NewEndpoint],
    service: NamedDependency[ServicePrincipal],
    owner: NamedDependency[Owner],
    endpoints: NamedDependency[Endpoints],
) -> ShownEndpoint:
    """Send webhooks of the service to an address. The secret is in this answer, and is never shown again."""
    return await endpoints.create(owner, UUID(service.id), data)


@get("/endpoints", policy=KEY, conditional=False)
async def list_own_endpoints(
    service: NamedDependency[ServicePrincipal],
    span: NamedDependency[Span],
    endpoints: NamedDependency[Endpoints],
) -> Page[EndpointView]:
    """The endpoints of the service, the newest first."""
    return await endpoints.page(UUID(service.id), span)


def _admin(principal: NamedDependency[Principal]) -> Owner:
    return Owner(principal.id)


def _service(service: NamedDependency[ServicePrincipal]) -> Owner:
    return Owner(service.actor, UUID(service.id))


def routers(endpoints: Endpoints) -> list[Router]:
    given = services(endpoints=endpoints)
    return [
        Router(
            "/integrations",
            route_handlers=[add_endpoint, list_endpoints, *_endpoint_routes(ADMIN, "")],
            dependencies={**given, "owner": Provide(_admin, sync_to_thread=False)},
        ),
        Router(
            "/server",
            route_handlers=[add_own_endpoint, list_own_endpoints, *_endpoint_routes(OWN, "own_")],
            dependencies={**given, "owner": Provide(_service, sync_to_thread=False)},
        ),
    ]
