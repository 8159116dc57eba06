"""Puts messages into the stream INTAKE, for the intakes of one module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from nats.js.errors import APIError, NoStreamResponseError

from gateway import clock
from gateway.bus.connection import NatsBus
from gateway.bus.log import FULL
from gateway.contract.intake import Intake
from gateway.errors import BadInput, Code, Unavailable
from gateway.events import names
from gateway.events.dead_letters import publish
from gateway.events.streams import EventStreams

# When a stream is full, clients come again after so many seconds.
FULL_WAIT: Final = 5.0


class ModuleIntakes:
    """Implements `gateway.contract.Intakes` for one module."""

    def __init__(
        self,
        module: str,
        intakes: Mapping[str, Intake],
        bus: NatsBus,
        streams: EventStreams,
        handled_until: Callable[[str], Awaitable[datetime]],
        *,
        limit: int,
    ) -> None:
        """`intakes` has those of all modules, and is complete when the modules are built."""
        self._module = module
        self._intakes = intakes
        self._bus = bus
        self._streams = streams
        self._handled_until = handled_until
        self._limit = limit

    async def put(self, name: str, body: bytes, message_id: str) -> None:
        self._check(name)
        if len(body) > self._limit:
            raise BadInput(Code.TOO_LARGE, f"this has {len(body)} bytes; at most {self._limit} are taken at once")
        headers = {names.MESSAGE_ID: message_id, names.ID: message_id, names.AT: clock.now().isoformat()}
        try:
            await self._publish(names.intake(name), body, headers)
        except Unavailable as error:
            cause = error.__cause__
            if isinstance(cause, APIError) and cause.err_code in FULL:
                raise Unavailable("too much waits to be stored", retry_after=FULL_WAIT) from error
            raise

    async def _publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            await publish(self._bus, subject, body, headers)
        except Unavailable as error:
            if not isinstance(error.__cause__, NoStreamResponseError):
                raise
            # The gateway has just started for the first time, or NATS has lost its storage.
            await self._streams.ensure_for(names.INTAKE)
            await publish(self._bus, subject, body, headers)

    async def handled_until(self, name: str) -> datetime:
        self._check(name)
        return await self._handled_until(name)

    def _check(self, name: str) -> None:
        if name not in self._intakes or name.partition(".")[0] != self._module:
            raise ValueError(f"module {self._module} contributes no intake {name}")
