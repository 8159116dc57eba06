"""Reactions: seen by the room for a moment, and kept nowhere.

Each gateway adds up what its members send and tells the room once an interval: a thousand hearts are one push. With
several gateways each tells its own sum, and clients add them as they come.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import structlog

from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import Unavailable, invalid
from gateway.tasks import end
from modules.live.messages import Nothing
from modules.live.room.parts import RoomParts
from modules.live.rooms import session_room

log = structlog.get_logger(__name__)

REACTIONS = "live.reactions"


class React(msgspec.Struct, frozen=True):
    """`live.react`: one of those that the snapshot names."""

    emoji: str


class ReactionCounts(msgspec.Struct, frozen=True):
    """The push `live.reactions`: how often each came since the last one of this gateway."""

    counts: dict[str, int]


class Palette(msgspec.Struct, frozen=True):
    """The snapshot part `live.reactions`: what may be reacted with."""

    emoji: list[str]


class Reactions:
    """The sums of this gateway, and a task for each session where somebody reacts."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts
        self._sums: dict[str, Counter[str]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.commands = (
            Command(
                name="live.react", rooms="session", role="viewer", request=React, handler=self._react, rate=self._rate
            ),
        )
        self.snapshots = (SnapshotPart(name=REACTIONS, rooms="session", read=self._read, shared=True),)

    async def stop(self) -> None:
        await end(self._tasks.values())

    async def _react(self, context: Context, request: React) -> Nothing:
        """Raises BadInput `invalid`."""
        if request.emoji not in self._parts.settings.reactions:
            raise invalid("this is no reaction that may be sent", field="emoji")
        session = context.room_id
        self._sums.setdefault(session, Counter())[request.emoji] += 1
        if session not in self._tasks:
            self._tasks[session] = asyncio.get_running_loop().create_task(self._tell(session))
        return Nothing()

    async def _tell(self, session: str) -> None:
        try:
            while True:
                await asyncio.sleep(self._parts.settings.reaction_interval)
                sums = self._sums.pop(session, None)
                if sums is None:
                    return
                try:
                    await self._parts.kernel.rooms.emit(session_room(session), REACTIONS, ReactionCounts(dict(sums)))
                except Unavailable:
                    log.info("reactions.lost", session=session)
        finally:
            del self._tasks[session]

    async def _read(self, context: Context) -> Palette:
        return Palette(list(self._parts.settings.reactions))

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.reaction_rate_count, seconds=self._parts.settings.reaction_rate_seconds)
