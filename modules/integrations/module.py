"""What the integrations module consists of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module, ServiceKeys
from modules.integrations import errors, personal_data
from modules.integrations.server import routes as server_routes
from modules.integrations.server.publishing import Publishing
from modules.integrations.server.reading import RoomReading
from modules.integrations.services import routes as service_routes
from modules.integrations.services.authenticator import KeyAuthenticator
from modules.integrations.services.key_format import PREFIX
from modules.integrations.services.repository import KeyRepository, ServiceRepository
from modules.integrations.services.services import Services
from modules.integrations.services.tables import KeyRow, ServiceRow
from modules.integrations.settings import IntegrationsSettings


class IntegrationsModule(Module):
    """Other programs: their API keys, the server API, and webhooks."""

    name = "integrations"
    requires = ("accounts",)
    settings_type = IntegrationsSettings
    tables = (ServiceRow, KeyRow)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings: IntegrationsSettings = kernel.settings(IntegrationsSettings)
        keys = KeyRepository(kernel.database)
        services = Services(kernel, settings, ServiceRepository(kernel.database), keys)
        authenticator = KeyAuthenticator(kernel, settings, keys)
        publishing = Publishing(kernel, settings)
        self.contributions = (ServiceKeys(prefix=PREFIX, authenticate=authenticator.authenticate),)
        self.features = (publishing,)
        self.routes = (
            service_routes.router(services),
            server_routes.router(publishing, RoomReading(kernel)),
        )

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.held_on(self.kernel.database, user)
