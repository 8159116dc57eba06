"""Sends presence and typing twice a second: the changes of each room to its members, and our own to the other nodes.

All of these messages are ephemeral and may be lost. `presence.py` and `typing.py` recover from that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from gateway import clock
from gateway.bus import log_record
from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable
from gateway.protocol.messages import Push
from gateway.protocol.names import RoomName
from gateway.realtime.presence import Delta, Digest, Goodbye, ReplicaRequest, RoomPresence, Whole
from gateway.realtime.room import Room
from gateway.realtime.typing import RoomTyping, Strokes

log = structlog.get_logger(__name__)

PERIOD: Final = 0.5
# Rooms that are told of a departure between two turns of other work.
SLICE: Final = 100

NodeMessage = Delta | Digest | Goodbye | ReplicaRequest | Whole | Strokes

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(NodeMessage).decode


class PresenceSync:
    """Drives presence and typing of all rooms on this node that have them."""

    def __init__(self, bus: NatsBus, node: str, rooms: Callable[[], Iterable[Room]], *, digest: float) -> None:
        """`digest` is the seconds between two signs of life, a fraction of the silence after which a node is gone."""
        self._bus = bus
        self._node = node
        self._rooms = rooms
        self._digest = digest

    async def run(self) -> None:
        digest_at, before = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(PERIOD)
            now = time.monotonic()
            late, before = now - before - PERIOD, now
            if late > self._digest:
                # This process was stopped. What the other nodes sent meanwhile is not read yet.
                for room in self._rooms():
                    if room.presence is not None:
                        room.presence.was_stopped(late, now)
            full = now >= digest_at
            if full:
                digest_at = now + self._digest
            for room in self._rooms():
                # Most rooms are users' own, without presence.
                if room.presence is None:
                    continue
                try:
                    await self.sync_room(room, now, full=full)
                except Exception:
                    log.exception("presence_sync.failed", room=room.text)

    async def sync_room(self, room: Room, now: float, *, full: bool) -> None:
        """Send what is due in one room. A `full` beat also sends the sign of life."""
        presence, typing = room.presence, room.typing
        if presence is None or typing is None:
            return
        if (delta := presence.take_delta(now)) is not None:
            await self.send(room.name, delta)
        if full and not presence.empty:
            await self.send(room.name, presence.digest())
        presence.forget_silent(now)
        if (change := presence.take_change()) is not None:
            room.fanout.ephemeral(Push(push="presence", room=room.text, at=_at(), data=change))
        if typing.idle:
            return
        if (strokes := typing.take_strokes(self._node)) is not None:
            await self.send(room.name, strokes)
        if (typists := typing.take_change(now)) is not None:
            room.fanout.ephemeral(Push(push="typing", room=room.text, at=_at(), data=typists))

    async def depart(self, stay: float) -> None:
        """Say goodbye in every room: our members leave with this node, and are shown for so many seconds more."""
        for number, room in enumerate(self._rooms()):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            presence = room.presence
            if presence is None or presence.empty:
                continue
            try:
                if (delta := presence.take_delta(time.monotonic())) is not None:
                    await self.send(room.name, delta)
                presence.depart(stay)
                await self.send(room.name, presence.digest())
            except Exception:
                log.exception("presence_sync.failed", room=room.text)

    async def send(self, room: RoomName, message: NodeMessage) -> None:
        """Send a message to the other nodes. They notice when one is lost."""
        with contextlib.suppress(Unavailable):
            for part in message.parts() if isinstance(message, Whole) else (message,):
                await self._bus.publish(log_record.subject(log_record.PRESENCE, room), _encode(part))

    def receive(self, presence: RoomPresence, typing: RoomTyping, message: Msg) -> Sequence[NodeMessage]:
        """Apply a message of another node about a room. Returns the messages to send in answer."""
        told = _decode(message.data)
        now = time.monotonic()
        if not isinstance(told, Strokes):
            return presence.receive(told, now)
        if told.node != self._node:
            typing.receive(told, now)
        return ()


def _at() -> int:
    return clock.now_ms()
