"""Reactions: the room sees them for a moment, and nobody keeps them.

Each gateway adds up what its members send, and pushes the sums once an interval: a thousand hearts are one push. With
several gateways each pushes its own sums, and clients add them up.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import Unavailable, invalid
from gateway.tasks import end
from gateway.unicode.emoji import Palette as EmojiPalette
from modules.live.messages import Nothing
from modules.live.room.reactions.messages import REACTIONS, Palette, React, ReactionCounts
from modules.live.rooms import session_room
from modules.live.settings import RoomSettings

log = structlog.get_logger(__name__)


class Reactions:
    """The sums of this gateway, and a task for each session in which a member reacts."""

    pushes = (REACTIONS,)

    def __init__(self, kernel: Kernel, settings: RoomSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._palette = EmojiPalette(settings.reactions)
        self._sums: dict[str, Counter[str]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @command("live.react", room="session", role="viewer", rate="reaction_rate")
    async def react(self, context: Context, request: React) -> Nothing:
        """Raises BadInput `invalid`."""
        emoji = self._palette.find(request.emoji)
        if emoji is None:
            raise invalid("this is no reaction that may be sent", field="emoji")
        session = context.room_id
        self._sums.setdefault(session, Counter())[emoji] += 1
        if session not in self._tasks:
            self._tasks[session] = asyncio.get_running_loop().create_task(self._tell(session))
        return Nothing()

    @snapshot_part("live.reactions", room="session", shared=True)
    async def palette(self, context: Context) -> Palette:
        return Palette(list(self._settings.reactions))

    async def stop(self) -> None:
        await end(self._tasks.values())

    async def _tell(self, session: str) -> None:
        """Push the sums of a session at each interval, until one passes without a reaction."""
        try:
            while True:
                await asyncio.sleep(self._settings.reaction_interval)
                sums = self._sums.pop(session, None)
                if sums is None:
                    return
                try:
                    await self._kernel.rooms.emit(session_room(session), REACTIONS, ReactionCounts(dict(sums)))
                except Unavailable:
                    log.info("reactions.lost", session=session)
        finally:
            del self._tasks[session]
