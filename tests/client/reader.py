"""What an app shows that follows a room's events."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable

from ksmp_client import Joined, Push, Room, RoomEvent

SECONDS = 30.0


class Reader:
    """Reads all events of a room. `texts` is what an app that follows them shows."""

    def __init__(self, room: Room) -> None:
        self.texts: list[str] = []
        self.joined: list[bool] = []
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read(room.events()))

    async def shows(self, texts: Iterable[str], seconds: float = SECONDS) -> None:
        """Wait until as many are shown; they must be these."""
        expected = list(texts)
        async with asyncio.timeout(seconds):
            while len(self.texts) < len(expected):
                self._changed.clear()
                await self._changed.wait()
        assert self.texts == expected

    async def _read(self, events: AsyncIterator[RoomEvent]) -> None:
        async for event in events:
            match event:
                case Joined(recovered=recovered, messages=messages):
                    self.joined.append(recovered)
                    if not recovered:
                        self.texts = [push.data["text"] for push in messages]
                case Push(push="chat.message", data=data):
                    self.texts.append(data["text"])
            self._changed.set()


def user() -> str:
    return f"user-{uuid.uuid4().hex[:12]}"
