"""Tells users that their unread counts have changed.

Members of a direct room are told of each change, in the transaction that writes the index: their positions are locked
until then, so a count and its revision belong together. Whoever follows a program is told when they are connected, of
many changes at once, and at most once. Nobody is told of a class, whose members are in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.contract import Kernel
from gateway.tasks import repeat
from modules.accounts.facade import user_room
from modules.chat.index.entries import RoomChange
from modules.chat.reading.messages import UNREAD
from modules.chat.reading.readers import Reader, Readers
from modules.chat.reading.repository import Asked, ReadingRepository
from modules.chat.reading.unread_counts import UnreadCounts
from modules.chat.settings import ChatSettings

# Users whose counts are asked for in one statement.
AT_ONCE: Final = 500


class UnreadTold:
    """An observer of the index. `at_once` are the kinds of rooms whose readers are told in the transaction."""

    def __init__(
        self,
        kernel: Kernel,
        settings: ChatSettings,
        counts: UnreadCounts,
        readers: Sequence[Readers],
        at_once: Sequence[str] = ("direct",),
    ) -> None:
        self._kernel = kernel
        self._counts = counts
        self._most = settings.unread_most
        self._interval = settings.unread_interval
        self._readers: Mapping[str, Readers] = {one.kind: one for one in readers}
        self._at_once = at_once
        self._rows = ReadingRepository(kernel.database)
        # Rooms that have changed since their readers were told.
        self._changed: set[str] = set()

    async def indexed(self, changes: tuple[RoomChange, ...]) -> None:
        for change in changes:
            kind, _, id = change.room.partition(":")
            if kind in self._at_once and kind in self._readers and _counts_change(change):
                await self._tell_now(change, await self._readers[kind].of_room(id))

    def written(self, changes: tuple[RoomChange, ...]) -> None:
        for change in changes:
            kind = change.room.partition(":")[0]
            if kind not in self._at_once and kind in self._readers and _counts_change(change):
                self._changed.add(change.room)

    async def run(self) -> None:
        """Tell the readers of rooms that have changed, until cancelled."""
        await repeat("unread.tell", self.tell_changed, self._interval, at_once=False)

    async def tell_changed(self) -> None:
        """Tell the connected readers of the rooms that have changed since the last time; raises Unavailable."""
        # What changes from here on is told the next time.
        left, self._changed = self._changed, set()
        try:
            readers = {room: await self._readers_of(room) for room in left}
            # Once for all rooms: the question to the other nodes takes a moment, which many rooms cannot have each.
            users = {user_room(one.user_id) for some in readers.values() for one in some}
            here = await self._kernel.rooms.occupied(users) if users else ()
            for room, some in readers.items():
                present = [one for one in some if user_room(one.user_id) in here]
                for start in range(0, len(present), AT_ONCE):
                    await self._emit(room, present[start : start + AT_ONCE])
                left.discard(room)
        finally:
            self._changed |= left

    async def _readers_of(self, room: str) -> Sequence[Reader]:
        kind, _, id = room.partition(":")
        return await self._readers[kind].of_room(id)

    async def _tell_now(self, change: RoomChange, readers: Sequence[Reader]) -> None:
        await self._rows.lock(change.room, [one.user_id for one in readers])
        for counted in await self._rows.counts(_asked(change.room, readers), self._most):
            await self._kernel.rooms.publish_row(user_room(counted.user_id), UNREAD, self._counts.shown(counted))

    async def _emit(self, room: str, readers: Sequence[Reader]) -> None:
        for counted in await self._rows.counts(_asked(room, readers), self._most):
            await self._kernel.rooms.emit(user_room(counted.user_id), UNREAD, self._counts.shown(counted))
            # Hundreds of readers must not hold up the others of this gateway.
            await asyncio.sleep(0)


def _counts_change(change: RoomChange) -> bool:
    """An edited message is as unread as it was, and mentions whom it mentioned."""
    return bool(change.sent or change.gone)


def _asked(room: str, readers: Sequence[Reader]) -> list[Asked]:
    return [Asked(one.user_id, room, one.since) for one in readers]
