"""Which rooms somebody is in, over all nodes. The nodes are asked; there is no table that could be stale."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Collection
from typing import Final

import msgspec
from nats.aio.msg import Msg

from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable
from gateway.realtime.hub import Hub

ASK: Final = "gateway.rooms.occupied"
ANSWERS: Final = "gateway.rooms.held."
# Seconds that the other nodes have to answer.
PATIENCE: Final = 0.2
# Rooms in one message. NATS carries 1 MiB a message by default, and they take far less.
AT_ONCE: Final = 5000


class Question(msgspec.Struct, frozen=True, array_like=True):
    """Which of these rooms have a member on the node that gets it. It answers `node`."""

    id: str
    node: str
    rooms: list[str]


class Held(msgspec.Struct, frozen=True, array_like=True):
    """The answer of one node to the question `id`."""

    id: str
    rooms: list[str]


class Occupancy:
    """Asks the other nodes, and answers them."""

    def __init__(self, bus: NatsBus, hub: Hub) -> None:
        self._bus = bus
        self._hub = hub
        self._node = uuid.uuid4().hex
        self._asking: dict[str, set[str]] = {}

    async def start(self) -> None:
        await self._bus.subscribe(ASK, self._on_question)
        await self._bus.subscribe(ANSWERS + self._node, self._on_answer)

    async def among(self, rooms: Collection[str]) -> set[str]:
        """Those of these rooms that somebody is in. A node that does not answer in time has nobody in them."""
        found = set(self._here(rooms))
        others = [room for room in rooms if room not in found]
        if others:
            id = uuid.uuid4().hex
            self._asking[id] = found
            try:
                for start in range(0, len(others), AT_ONCE):
                    question = Question(id, self._node, others[start : start + AT_ONCE])
                    await self._bus.publish(ASK, msgspec.json.encode(question))
                await asyncio.sleep(PATIENCE)
            finally:
                del self._asking[id]
        return found

    def _here(self, rooms: Collection[str]) -> list[str]:
        return [name for name in rooms if (room := self._hub.room(name)) is not None and room.members]

    async def _on_question(self, message: Msg) -> None:
        question = msgspec.json.decode(message.data, type=Question)
        if question.node != self._node and (held := self._here(question.rooms)):
            with contextlib.suppress(Unavailable):
                await self._bus.publish(ANSWERS + question.node, msgspec.json.encode(Held(question.id, held)))

    async def _on_answer(self, message: Msg) -> None:
        answer = msgspec.json.decode(message.data, type=Held)
        if (asked := self._asking.get(answer.id)) is not None:
            asked.update(answer.rooms)
