"""The devices of users: registered at sign-in, moved from whoever had them before, removed at sign-out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import BadInput, Code
from gateway.principal import Principal
from modules.accounts.events import TokensRevoked
from modules.notify.devices.messages import Device, Devices, NewDevice
from modules.notify.devices.repository import DeviceRepository
from modules.notify.push_settings import DeviceSettings

log = structlog.get_logger(__name__)

# How many are removed at once.
SWEPT: Final = 1000


class DeviceService:
    """What users do with their devices, and what is removed without them."""

    def __init__(self, kernel: Kernel, settings: DeviceSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self.rows = DeviceRepository(kernel.database)

    async def listing(self, principal: Principal) -> Devices:
        return Devices(await self.rows.of_user(principal.id))

    async def register(self, principal: Principal, installation: str, new: NewDevice) -> Device:
        """The device, which is this user's now. Raises BadInput unless there is one address, and Unavailable."""
        if (new.fid is None) == (new.token is None):
            raise BadInput(Code.INVALID, "state exactly one of `fid` and `token`", field="fid")
        async with self._kernel.database.transaction():
            return await self.rows.put(principal.id, installation, new, clock.now(), self._settings.devices)

    async def remove(self, principal: Principal, installation: str) -> None:
        await self.rows.remove(principal.id, installation)

    @listener(TokensRevoked, "notify.devices_signed_out")
    async def signed_out(self, event: TokensRevoked, delivery: Delivery) -> None:
        """Who is signed out everywhere has no device any more. Each one registers again after a sign-in."""
        await self.rows.forget(event.user_id, delivery.at)

    async def sweep(self) -> bool:
        """Remove devices that have not been seen for long; whether there may be more."""
        before = clock.now() - timedelta(days=self._settings.device_days)
        swept = await self.rows.sweep(before, SWEPT)
        if swept:
            log.info("notifications.devices_swept", devices=swept)
        return swept >= SWEPT

    async def held(self, user: str) -> Mapping[str, Any]:
        """What is held on a user; for their export."""
        rows = await self.rows.held(user)
        return {"devices": rows} if rows else {}

    async def forget(self, user: str) -> None:
        await self.rows.forget(user, clock.now())
