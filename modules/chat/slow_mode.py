"""Slow mode: a viewer waits after each message.

A restriction of the kernel makes them wait on every node. Until it holds, this node counts by itself, so that it tells
two messages apart that come at once.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Final

import structlog
from cachetools import TLRUCache

from gateway import clock
from gateway.contract import Context, Kernel
from gateway.errors import Unavailable
from modules.chat import errors
from modules.chat.repository import WaitRepository
from modules.chat.roles import SPEAKER

log = structlog.get_logger(__name__)

# What slow mode takes away for a while, and the restriction's name, which is also the error's code.
COMMANDS: Final = ("chat.send",)
RESTRICTION: Final = "chat.slow_mode"


class SlowMode:
    """Who has to wait before the next message."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._rows = WaitRepository(kernel.database)
        # When a member may send again, by the monotonic clock, until the kernel knows it too.
        self._waits: TLRUCache[tuple[str, str], float] = TLRUCache(math.inf, _until, time.monotonic)

    def take_turn(self, context: Context, seconds: int) -> bool:
        """Whether slow mode counts this message; raises Limited `chat.slow_mode` while the member has to wait."""
        if not seconds or context.at_least(SPEAKER):
            return False
        place, now = (context.room, context.principal.id), time.monotonic()
        left = self._waits.get(place, 0.0) - now
        if left > 0.0:
            raise errors.slow_mode(min(left, float(seconds)))
        self._waits[place] = now + seconds
        return True

    def give_turn_back(self, context: Context) -> None:
        """Forget a message that counted, because it was not stored."""
        self._waits.pop((context.room, context.principal.id), None)

    async def wait(self, context: Context, seconds: int) -> None:
        """Make the author of a message that counted wait on every node.

        Without the database only this node knows.
        """
        user, until = context.principal.id, clock.now() + timedelta(seconds=seconds)
        try:
            async with self._database.transaction():
                await self._rows.write(context.room_id, user, until)
                await context.rooms.restrict(context.room, user, COMMANDS, until, name=RESTRICTION)
        except Unavailable:
            log.warning("wait.unknown", session=context.room_id)

    async def end_waits(self, context: Context) -> None:
        """End all waits of the session, in the caller's transaction; raises Unavailable."""
        now = clock.now()
        for wait in await self._rows.delete_all(context.room_id):
            self._waits.pop((context.room, wait.user), None)
            if wait.until > now:
                await context.rooms.lift(context.room, wait.user, name=RESTRICTION)


def _until(place: tuple[str, str], until: float, now: float) -> float:
    """When the cache lets a wait go: as soon as it is over."""
    return until
