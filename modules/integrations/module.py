"""What the integrations module consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.contract import EventObserver, Kernel, Module, ServiceKeys
from modules.integrations import errors, personal_data
from modules.integrations.server import routes as server_routes
from modules.integrations.server.disconnecting import Disconnecting
from modules.integrations.server.notifications import ServiceNotifications
from modules.integrations.server.publishing import Publishing
from modules.integrations.server.reading import RoomReading
from modules.integrations.services import routes as service_routes
from modules.integrations.services.authenticator import KeyAuthenticator
from modules.integrations.services.key_format import PREFIX
from modules.integrations.services.repository import KeyRepository, ServiceRepository
from modules.integrations.services.services import Services
from modules.integrations.services.tables import KeyRow, ServiceRow
from modules.integrations.settings import IntegrationsSettings
from modules.integrations.webhooks import routes as webhook_routes
from modules.integrations.webhooks.channel import WebhookChannel
from modules.integrations.webhooks.delivery_repository import DeliveryRepository
from modules.integrations.webhooks.endpoint_repository import EndpointRepository
from modules.integrations.webhooks.endpoints import Endpoints
from modules.integrations.webhooks.public_events import PublicEvents
from modules.integrations.webhooks.recording import WebhookRecorder
from modules.integrations.webhooks.sending import WebhookSender
from modules.integrations.webhooks.tables import DeliveryRow, EndpointRow, EventRow


class IntegrationsModule(Module):
    """Other programs: their API keys, the server API, and webhooks."""

    name = "integrations"
    requires = ("accounts",)
    settings_type = IntegrationsSettings
    tables = (ServiceRow, KeyRow, EndpointRow, EventRow, DeliveryRow)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    @classmethod
    def examine(cls, settings: IntegrationsSettings, *, production: bool) -> str:
        return settings.examine(production=production)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings: IntegrationsSettings = kernel.settings(IntegrationsSettings)
        keys = KeyRepository(kernel.database)
        service_rows = ServiceRepository(kernel.database)
        services = Services(kernel, settings, service_rows, keys)
        authenticator = KeyAuthenticator(kernel, settings, keys)
        publishing = Publishing(kernel, settings)
        endpoints = EndpointRepository(kernel.database)
        deliveries = DeliveryRepository(kernel.database)
        self._public = public = PublicEvents(kernel)
        recorder = WebhookRecorder(kernel.database, public)
        self.sender = WebhookSender(kernel, settings, endpoints, deliveries)
        self.contributions = (
            ServiceKeys(prefix=PREFIX, authenticate=authenticator.authenticate),
            EventObserver(observe=recorder.observe),
            WebhookChannel(kernel.database, recorder),
        )
        self.features = (publishing,)
        self.routes = (
            service_routes.router(services),
            server_routes.router(publishing, RoomReading(kernel), ServiceNotifications(kernel), Disconnecting(kernel)),
            *webhook_routes.routers(Endpoints(kernel, settings, service_rows, endpoints, deliveries, public, recorder)),
        )

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.held_on(self.kernel.database, user)

    async def forget(self, user: str) -> Collection[str]:
        await personal_data.forget(self.kernel.database, user)
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self._public.check()
        async with self.sender.running():
            yield
