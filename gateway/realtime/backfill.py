"""Backfill: reads a room's past into its tail, when a join, a page or a nonce needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gateway import clock, failpoint
from gateway.bus.log import DUPLICATE_WINDOW, RoomLog
from gateway.errors import Unavailable
from gateway.protocol.names import MAX_ID
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.history import HistoryReader
from gateway.realtime.room import Room
from gateway.settings import Settings

# Seconds by which the clocks of nodes and servers may differ. Reading a little too much does no harm.
CLOCK_SLACK: Final = 30.0

CatchUp = Callable[[Room, int], Awaitable[bool]]


class Backfill:
    """Extends the tails of rooms into the past. One reader works on a room at a time; the others find its result."""

    def __init__(self, room_log: RoomLog, history: HistoryReader, catch_up: CatchUp, settings: Settings) -> None:
        """`catch_up` brings a room up to a sequence of the log, and returns whether the log has reached it."""
        self._log = room_log
        self._history = history
        self._catch_up = catch_up
        self._limit = settings.recovery_messages

    async def extend_to(self, room: Room, since: int) -> bool:
        """Extend the room's tail back to `since`. Returns whether the tail then holds everything after it.

        Returns False when the log does not reach back that far, or when the replay is over the limits. Raises
        Unavailable.
        """
        if since > room.position and not await self._catch_up(room, since):
            return False
        await self.load_recent(room)
        limit = self._limit
        async with room.reading:
            while room.tail.start > since:
                start = room.tail.start
                # An empty tail starts at a sequence where the room need not have a message, so the head is asked for.
                until = room.tail.oldest if len(room.tail) else await self._log.head(room.name)
                pushes = await self._log.between(room.name, since, until, limit=limit)
                await failpoint.pause("join.pause")
                # The first sequence is read after the messages. Messages that expired meanwhile would leave a hole.
                if len(pushes) > limit or not room.tail.covers_range(pushes, since + 1, await self._log.first()):
                    return False
                # If the tail was trimmed meanwhile, the messages read do not reach up to it: read again.
                if room.tail.start == start and not room.tail.prepend(pushes, since):
                    return False
            return True

    async def extend_by(self, room: Room, count: int) -> None:
        """Extend the tail back to the room's last `count` messages, as far as the limits allow.

        Messages that cannot be read now are left out: a join does not fail because older messages are missing.
        """
        with contextlib.suppress(Unavailable):
            await self.load_recent(room)
            async with room.reading:
                missing = count - len(room.tail)
                start = room.tail.start
                if missing <= 0 or start == 0:
                    return
                pushes, more = await self._history.page(room, start + 1, missing)
                if room.tail.start == start and (pushes or not more):
                    room.tail.prepend(pushes, pushes[0].seq - 1 if more else 0)

    async def load_recent(self, room: Room) -> None:
        """Read, once, what the room stored in the last two minutes.

        It tells repeated commands from new ones, and which messages were erased. So it is needed before a nonce is
        checked and before history is shown. Raises Unavailable.
        """
        if room.recent_loaded:
            return
        async with room.reading:
            if room.recent_loaded:
                return
            head = await self._log.head(room.name)
            pushes: list[StoredPush] = []
            if head:
                pushes, more = await self._log.read_since(
                    room.name, clock.now_seconds() - DUPLICATE_WINDOW - CLOCK_SLACK
                )
                while more:
                    page, more = await self._log.read(room.name, pushes[-1].seq + 1)
                    pushes += page
                    more = more and bool(page)
                if pushes and pushes[-1].seq < head:
                    pushes += await self._log.between(room.name, pushes[-1].seq, head)
            if pushes:
                start = pushes[0].seq - 1
            elif head:
                start = head
            else:
                # The log holds nothing of the room. Older messages may be in the archive.
                start = min(room.tail.start, await self._log.first() - 1)
            for push in pushes:
                room.dedup.add(push)
            room.tail.prepend(pushes, start)
            room.recent_loaded = True

    async def page(self, room: Room, before: int, limit: int) -> tuple[list[StoredPush], bool]:
        """As HistoryReader.page, of all pushes."""
        await self.load_recent(room)
        return await self._history.page(room, before, limit)

    async def newest(self, room: Room, limit: int, types: Sequence[str]) -> list[StoredPush]:
        """The room's last pushes of these names, ascending, from memory, stream or archive; raises Unavailable."""
        await self.load_recent(room)
        pushes, _ = await self._history.page(room, MAX_ID, limit, types)
        return pushes
