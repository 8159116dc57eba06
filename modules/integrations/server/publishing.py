"""Publishes what services say in rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, KsmpError
from gateway.principal import ServicePrincipal
from modules.integrations.server.messages import (
    MESSAGE,
    Batch,
    BatchResult,
    BatchResults,
    Failure,
    NewMessage,
    PublishedMessage,
    ServiceMessage,
)
from modules.integrations.services.scopes import check_room
from modules.integrations.settings import ServerSettings


class Publishing:
    """A service's messages are pushes of the module's own, so that nobody takes them for a chat's or a class's."""

    pushes = (MESSAGE,)

    def __init__(self, kernel: Kernel, settings: ServerSettings) -> None:
        self._kernel = kernel
        self._settings = settings

    async def publish(self, service: ServicePrincipal, message: NewMessage) -> PublishedMessage:
        """Raises Refused `forbidden` for a room that the key is not for, BadInput `too_large`, and Unavailable."""
        check_room(service, message.room)
        return await self._publish(service, message)

    async def publish_batch(self, service: ServicePrincipal, batch: Batch) -> BatchResults:
        """Each message by itself: one may fail, and the others are published.

        Raises Refused `forbidden` before any is published.
        """
        places: dict[str, list[int]] = {}
        for place, message in enumerate(batch.messages):
            check_room(service, message.room)
            places.setdefault(message.room, []).append(place)
        results: dict[int, BatchResult] = {}

        async def publish_in_order(of_room: Sequence[int]) -> None:
            for place in of_room:
                results[place] = await self._try(service, batch.messages[place])

        await asyncio.gather(*map(publish_in_order, places.values()))
        return BatchResults([results[place] for place in range(len(batch.messages))])

    async def _try(self, service: ServicePrincipal, message: NewMessage) -> BatchResult:
        try:
            published = await self._publish(service, message)
        except KsmpError as error:
            return BatchResult(message.room, error=Failure(error.code, error.message, error.temporary))
        return BatchResult(message.room, published.seq, published.duplicate)

    async def _publish(self, service: ServicePrincipal, message: NewMessage) -> PublishedMessage:
        if len(msgspec.json.encode(message.data)) > self._settings.message_bytes:
            most = self._settings.message_bytes
            raise BadInput(Code.TOO_LARGE, f"the data is larger than {most} bytes", field="data")
        data = ServiceMessage(message.name, service.id, message.data)
        if message.ephemeral:
            await self._kernel.rooms.emit(message.room, MESSAGE, data)
            return PublishedMessage(message.room, None)
        known = None if message.id is None else f"integrations:{service.id}:{message.room}:{message.id}"
        stored = await self._kernel.rooms.publish(message.room, MESSAGE, data, message_id=known)
        return PublishedMessage(message.room, stored.seq, stored.duplicate)
