"""The stand-in for FCM as a whole: the token endpoint and the v1 endpoint, below `/fcm/`."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import msgspec

from devcloud.fcm import answers
from devcloud.fcm.account import PROJECT, BadGrant, ServiceAccount
from devcloud.fcm.control import PREFIX as CONTROL
from devcloud.fcm.control import FcmControl
from devcloud.fcm.devices import DeviceFault, Devices
from devcloud.fcm.messages import Malformed, target_of
from devcloud.fcm.traffic import Traffic
from devcloud.wire import Request, Response

PREFIX: Final = "/fcm/"
TOKEN: Final = f"{PREFIX}token"
SEND: Final = f"{PREFIX}v1/projects/{PROJECT}/messages:send"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class FcmStandIn:
    """Answers below `/fcm/` and `/_devcloud/fcm/`. `folder` keeps the key of its account."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self._account = ServiceAccount(url, folder)
        self._devices = Devices()
        self._traffic = Traffic()
        self._control = FcmControl(self._account, self._devices, self._traffic)

    def speaks(self, request: Request) -> bool:
        """Whether a request is for it."""
        return request.path.startswith((PREFIX, CONTROL))

    async def answer(self, request: Request) -> Response:
        """The answer to a request that it speaks."""
        if request.path.startswith(CONTROL):
            return self._control.answer(request)
        if request.method == "POST" and request.path == TOKEN:
            return await self._token(request)
        if request.method == "POST" and request.path.replace("%3A", ":") == SEND:
            return await self._send(request)
        return answers.failed(DeviceFault(fault="html"))

    async def _token(self, request: Request) -> Response:
        self._traffic.tokens += 1
        fault = self._traffic.token_fault
        if fault.hang:
            await asyncio.sleep(fault.hang)
        if fault.fault:
            return answers.failed(fault)
        asked = parse_qs(request.body.decode())
        if asked.get("grant_type") != [GRANT]:
            return answers.document({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        try:
            return answers.document(self._account.grant(asked.get("assertion", [""])[0]))
        except BadGrant as error:
            return answers.document({"error": "invalid_grant", "error_description": str(error)}, 400)

    async def _send(self, request: Request) -> Response:
        traffic = self._traffic
        life = traffic.opened()
        try:
            response = await self._answer(request)
        finally:
            traffic.closed(life)
        status = "cut" if response.cut else str(response.status)
        traffic.statuses[status] = traffic.statuses.get(status, 0) + 1
        return response

    async def _answer(self, request: Request) -> Response:
        general = self._traffic.fault
        if general.hang:
            await asyncio.sleep(general.hang)
        if not self._account.knows(request.header("authorization").removeprefix("Bearer ")):
            return answers.error("unauthenticated")
        if general.fault:
            return answers.failed(general)
        try:
            body = msgspec.json.decode(request.body)
            message, address = target_of(body.get("message") if isinstance(body, dict) else None)
        except msgspec.DecodeError as error:
            return answers.error("invalid_argument", text=f"Invalid JSON payload received. {error}")
        except Malformed as problem:
            return answers.malformed(problem)
        if body.get("validate_only"):
            return answers.sent(f"projects/{PROJECT}/messages/fake_message_id")
        fault = self._devices[address].post(message)
        if fault.hang:
            await asyncio.sleep(fault.hang)
        return answers.failed(fault) if fault.fault else answers.sent(f"projects/{PROJECT}/messages/{uuid.uuid4().hex}")
