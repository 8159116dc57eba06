"""ClientEventIntake: keeps client events in a durable stream, and stores them from there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Intake, Kernel, Received
from modules.analytics.consent.repository import ConsentRepository
from modules.analytics.intake.settings import IntakeSettings
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

INTAKE: Final = "analytics.events"
# Messages of one batch; each may have as many events as a request.
MESSAGES: Final = 100
# Events that are read without a pause for other work of the process.
AT_ONCE: Final = 1000


class ClientEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A client event as it waits in the stream. `user_id` is empty where no subject may be stored."""

    id: UUID
    at: datetime
    name: str
    user_id: str
    program_id: str
    session_id: str
    label: str
    value: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[ClientEvent]).decode


class ClientEventIntake:
    """Raises Unavailable where it must wait for NATS or PostgreSQL."""

    def __init__(self, kernel: Kernel, writer: EventWriter, settings: IntakeSettings) -> None:
        self._kernel = kernel
        self._writer = writer
        self._consents = ConsentRepository(kernel.database)
        self._most = settings.store_batch
        intake = Intake(name=INTAKE, handle=self.store, batch=MESSAGES, wait=settings.store_wait)
        self.contributions = (intake,)

    async def put(self, events: Sequence[ClientEvent]) -> None:
        """Keep these in one message. When it returns they will be stored, also after a crash of everything."""
        ids = blake2b(b"".join(event.id.bytes for event in events), digest_size=16)
        await self._kernel.intakes.put(INTAKE, _encode(events), ids.hexdigest())

    async def store(self, batch: Sequence[Received]) -> None:
        """Store the events of these messages. Done again it changes nothing, since each event has its id."""
        events: list[ClientEvent] = []
        for received in batch:
            events += _decode(received.body)
            if len(events) >= self._most:
                await self._write(events)
                events = []
            await asyncio.sleep(0)
        if events:
            await self._write(events)

    async def _write(self, events: Sequence[ClientEvent]) -> None:
        """Asks for the choices again: somebody may have taken one back while the events waited."""
        users = {event.user_id for event in events if event.user_id}
        choices = await self._consents.choices_of(users) if users else {}
        allowed = [event for event in events if choices.get(event.user_id, True)]
        for start in range(0, len(allowed), AT_ONCE):
            made = [_event(event, choices) for event in allowed[start : start + AT_ONCE]]
            await self._writer.write(made, Source.CLIENTS)


def _event(event: ClientEvent, choices: dict[str, bool]) -> Event:
    return Event(
        id=event.id,
        at=event.at,
        name=event.name,
        user_id=event.user_id if choices.get(event.user_id) else "",
        program_id=event.program_id,
        session_id=event.session_id,
        label=event.label,
        value=event.value,
    )
