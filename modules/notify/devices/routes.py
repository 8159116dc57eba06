"""The routes of devices: a user's own."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import signed_in
from gateway.http.services import services
from gateway.principal import Principal
from modules.notify.devices.devices import DeviceService
from modules.notify.devices.messages import Device, Devices, NewDevice

Installation = Annotated[
    str, PathParameter(pattern="^[A-Za-z0-9_-]{16,64}$", description="An id that the app made up, and keeps")
]


@get("/devices", policy=signed_in())
async def list_devices(principal: NamedDependency[Principal], devices: NamedDependency[DeviceService]) -> Devices:
    """The devices that get your notifications."""
    return await devices.listing(principal)


@put("/devices/{installation:str}", policy=signed_in())
async def register_device(
    installation: Installation,
    data: JSONBody[NewDevice],
    principal: NamedDependency[Principal],
    devices: NamedDependency[DeviceService],
) -> Device:
    """Have this installation get your notifications, and nobody else's any more: at sign-in and at each start."""
    return await devices.register(principal, installation, data)


@delete("/devices/{installation:str}", policy=signed_in())
async def remove_device(
    installation: Installation, principal: NamedDependency[Principal], devices: NamedDependency[DeviceService]
) -> None:
    """At sign-out: this installation gets nothing any more. One that is not yours, or not there, changes nothing."""
    await devices.remove(principal, installation)


def router(devices: DeviceService) -> Router:
    handlers = [list_devices, register_device, remove_device]
    return Router("/notify", route_handlers=handlers, dependencies=services(devices=devices))
