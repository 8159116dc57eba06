"""Slow mode: a member who is no speaker waits after each message.

A row for each user who waits decides whose turn it is, so that of two messages which come at once, on one gateway or on
two, one counts. A restriction of the kernel then refuses the next ones on every node without asking the row.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Final

import structlog
from cachetools import TLRUCache

from gateway import clock
from gateway.contract import Context, Kernel
from gateway.errors import Unavailable
from modules.chat import errors
from modules.chat.repository import WaitRepository
from modules.chat.room_kinds import rules_of

log = structlog.get_logger(__name__)

# What slow mode takes away for a while, and the restriction's name, which is also the error's code.
COMMANDS: Final = ("chat.send",)
RESTRICTION: Final = "chat.slow_mode"


class SlowMode:
    """Who has to wait before the next message."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._rows = WaitRepository(kernel.database)
        # When a member may send again, by the monotonic clock: for those who sent while the database was away.
        self._waits: TLRUCache[tuple[str, str], float] = TLRUCache(math.inf, _until, time.monotonic)

    @asynccontextmanager
    async def turn(self, context: Context, seconds: int) -> AsyncIterator[None]:
        """Send one message inside the block; the author waits after it. A message that was not stored does not count.

        Raises Limited `chat.slow_mode` while the author has to wait. Without the database this node counts by itself.
        """
        if not seconds or rules_of(context.room).speaks(context.role):
            yield
            return
        try:
            until = await self._rows.take(context.room, context.principal.id, seconds)
        except Unavailable:
            with self._turn_here(context, seconds):
                yield
            return
        if until is None:
            left = await self._rows.left(context.room, context.principal.id)
            raise errors.slow_mode(min(max(left, 0.001), float(seconds)))
        try:
            yield
        except BaseException:
            with suppress(Unavailable):
                await self._rows.give_back(context.room, context.principal.id, until)
            raise
        await self._restrict(context, until)

    async def end_waits(self, context: Context) -> None:
        """End all waits of the room, in the caller's transaction; raises Unavailable."""
        now = clock.now()
        for wait in await self._rows.delete_all(context.room):
            self._waits.pop((context.room, wait.user), None)
            if wait.until > now:
                await context.rooms.lift(context.room, wait.user, name=RESTRICTION)

    @contextmanager
    def _turn_here(self, context: Context, seconds: int) -> Iterator[None]:
        """The same, as this node alone knows."""
        place, now = (context.room, context.principal.id), time.monotonic()
        left = self._waits.get(place, 0.0) - now
        if left > 0.0:
            raise errors.slow_mode(min(left, float(seconds)))
        self._waits[place] = now + seconds
        try:
            yield
        except BaseException:
            self._waits.pop(place, None)
            raise

    async def _restrict(self, context: Context, until: datetime) -> None:
        """Refuse the author's next messages on every node, unless slow mode has ended meanwhile."""
        user = context.principal.id
        try:
            async with self._database.transaction():
                if await self._rows.lock(context.room, user, until):
                    await context.rooms.restrict(context.room, user, COMMANDS, until, name=RESTRICTION)
        except Unavailable:
            log.warning("wait.unknown", room=context.room)


def _until(place: tuple[str, str], until: float, now: float) -> float:
    """When the cache lets a wait go: as soon as it is over."""
    return until
