"""Reading, put together."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from gateway.contract import Kernel
from modules.chat.reading import routes
from modules.chat.reading.readers import DirectReaders, ProgramReaders, Readers, SessionReaders
from modules.chat.reading.repository import ReadingRepository
from modules.chat.reading.told import UnreadTold
from modules.chat.reading.unread_counts import UnreadCounts
from modules.chat.settings import ChatSettings


class ReadingFeature:
    """Read positions and unread counts in all kinds of rooms."""

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self.readers: Sequence[Readers] = (SessionReaders(kernel), ProgramReaders(kernel), DirectReaders(kernel))
        self.counts = UnreadCounts(kernel, settings, self.readers)
        self.told = UnreadTold(kernel, settings, self.counts, self.readers)
        self.features = (self.counts,)
        self.routes = (routes.router(self.counts),)
        self._rows = ReadingRepository(kernel.database)

    def workers(self) -> Sequence[Coroutine[Any, Any, None]]:
        """What runs as long as the gateway."""
        return (self.told.run(),)

    async def export(self, user: str) -> Mapping[str, Any]:
        positions = await self._rows.export(user)
        return {"read": positions} if positions else {}

    async def forget(self, user: str) -> None:
        await self._rows.forget(user)
