"""Disconnects users for services."""

from __future__ import annotations

from gateway.contract import Kernel
from gateway.principal import ServicePrincipal
from modules.accounts.facade import record, sign_out_everywhere


class Disconnecting:
    """A user who is disconnected may come back, by a new sign-in or a refresh of the token."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def disconnect(self, service: ServicePrincipal, user: str) -> None:
        """Close the user's sockets on every gateway, refuse the tokens that exist now, and push to no device of theirs.

        The platform need not have met the user: tokens may exist all the same. Raises Unavailable.
        """
        async with self._kernel.database.transaction():
            details = {"service": service.id, "key": service.key}
            await record(self._kernel.database, service.actor, "integrations.disconnect", user, details)
            await sign_out_everywhere(self._kernel, user)
