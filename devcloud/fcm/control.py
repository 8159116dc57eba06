"""Endpoints that drive the stand-in for FCM: what happens to a device's messages, and what each one shows.

Everything is JSON under `/_devcloud/fcm/`. CONTROL.md of devcloud lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from devcloud.document import Document
from devcloud.fcm.account import ServiceAccount
from devcloud.fcm.devices import DeviceFault, Devices, Seconds
from devcloud.fcm.traffic import Traffic
from devcloud.wire import Request, Response

PREFIX: Final = "/_devcloud/fcm/"


class Away(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A device that is away, or that comes back so many seconds after it went."""

    address: str
    offline: bool
    after: Seconds = 0.0


class TrafficFaults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What happens to every message, and to those who ask for a token."""

    messages: DeviceFault = msgspec.field(default_factory=DeviceFault)
    tokens: DeviceFault = msgspec.field(default_factory=DeviceFault)


class FcmControl:
    """The endpoints by method and path."""

    def __init__(self, account: ServiceAccount, devices: Devices, traffic: Traffic) -> None:
        self._account = account
        self._devices = devices
        self._traffic = traffic
        self._routes: dict[tuple[str, str], Callable[[Request], Document]] = {
            ("GET", "credentials"): self._credentials,
            ("POST", "credentials/revoke"): self._revoke,
            ("PUT", "faults"): self._set_faults,
            ("GET", "device"): self._device,
            ("PUT", "device"): self._set_away,
            ("GET", "report"): self._report,
            ("GET", "traffic"): self._show_traffic,
            ("PUT", "traffic"): self._set_traffic,
            ("DELETE", "state"): self._clear,
        }

    def answer(self, request: Request) -> Response:
        """The answer to a request below `PREFIX`."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return _json({"message": f"{request.method} {request.path} is nothing"}, 404)
        try:
            return _json(route(request))
        except msgspec.DecodeError as error:
            return _json({"code": "ValidationException", "message": str(error)}, 400)

    def _credentials(self, request: Request) -> Document:
        return self._account.document()

    def _revoke(self, request: Request) -> Document:
        self._account.revoke()
        return {}

    def _set_faults(self, request: Request) -> Document:
        faults = msgspec.json.decode(request.body, type=dict[str, DeviceFault])
        for address, fault in faults.items():
            self._devices[address].fault = fault
        return {"devices": len(faults)}

    def _device(self, request: Request) -> Document:
        (address,) = request.parameters.get("address", [""])[:1]
        shown: Document = msgspec.to_builtins(self._devices[address])
        return shown

    def _set_away(self, request: Request) -> Document:
        away = msgspec.json.decode(request.body, type=Away)
        device = self._devices[away.address]
        if away.offline:
            device.offline = True
        else:
            device.come_back(away.after)
        shown: Document = msgspec.to_builtins(device)
        return shown

    def _report(self, request: Request) -> Document:
        return {"devices": self._devices.report()}

    def _show_traffic(self, request: Request) -> Document:
        shown: Document = msgspec.to_builtins(self._traffic)
        return shown

    def _set_traffic(self, request: Request) -> Document:
        faults = msgspec.json.decode(request.body, type=TrafficFaults)
        self._traffic.fault, self._traffic.token_fault = faults.messages, faults.tokens
        return {}

    def _clear(self, request: Request) -> Document:
        self._devices.clear()
        self._traffic.clear()
        return {}


def _json(answer: object, status: int = 200) -> Response:
    headers = (("content-type", "application/json"),)
    return Response(status=status, headers=headers, body=msgspec.json.encode(answer))
