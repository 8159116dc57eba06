"""The ASGI application of a gateway: its routes, and the layers that each HTTP request passes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar
from litestar.exceptions import ImproperlyConfiguredException

from gateway import registry
from gateway.app import Gateway
from gateway.http import arrival, authenticator, cors, development, etag, health, listing, metrics, openapi, problems
from gateway.http.admission import RequestAdmission
from gateway.http.allowed_methods import AllowedMethods
from gateway.http.compression import Compression
from gateway.http.conditional import ConditionalRequests
from gateway.http.dependency_batches import resolve_in_turn
from gateway.http.envelope import Envelope
from gateway.http.field_problems import learn_names
from gateway.http.idempotency import IdempotentRequests
from gateway.http.json_request import JsonRequest
from gateway.http.unknown_parameters import learn_parameters


def create_app(gateway: Gateway) -> Litestar:
    """The ASGI application of a gateway: `/realtime`, health and the modules' routes.

    Raises RegistryError for a route that states no policy, for one that Litestar cannot use, and for two of one path.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with gateway.running():
            yield

    settings = gateway.settings
    handlers: list[Any] = [
        gateway.realtime.route(),
        *gateway.fallback.routes(),
        *health.routes(gateway.check, gateway.dead),
        *metrics.routes(settings),
        *registry.routers(gateway.modules),
        *development.routes(settings),
    ]
    try:
        app = Litestar(
            route_handlers=handlers,
            lifespan=[lifespan],
            plugins=[problems.plugin(), openapi.Conventions()],
            exception_handlers={500: problems.internal},
            # From the outside in; none of them sees a socket.
            middleware=[
                Compression(settings.compress_response_bytes),
                AllowedMethods(),
                RequestAdmission(gateway.authenticator, gateway.rates, settings),
                ConditionalRequests(),
                IdempotentRequests(gateway.idempotency),
            ],
            dependencies=authenticator.dependencies()
            | listing.dependencies()
            | etag.dependencies()
            | arrival.dependencies(),
            cors_config=cors.config(settings),
            request_class=JsonRequest,
            request_max_body_size=settings.body_bytes,
            openapi_config=openapi.config(gateway.modules, gateway.declarations.commands),
            # Logs are configured once for the process, libraries included.
            logging_config=None,
            # A signature namespace is not needed: handlers name their types themselves.
            debug=False,
            # Otherwise LITESTAR_PDB in the environment would stop the process at an error.
            pdb_on_exception=False,
        )
    except ImproperlyConfiguredException as error:
        raise registry.RegistryError(f"A module's route cannot be used: {error.detail.removesuffix('.')}.") from error
    registry.check_policies(app)
    resolve_in_turn(app)
    learn_parameters(app)
    learn_names(app)
    app.asgi_handler = Envelope(cors.OnlyAcrossOrigins(app.asgi_handler), gateway.request_metrics)
    return app
