"""Pages of a room's history, read from memory first, then from the stream, then from the archive."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.bus.log import RoomLog
from gateway.errors import Unavailable
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.archive import Archive
from gateway.realtime.room import Room
from gateway.realtime.tail import size


class HistoryReader:
    """Reads backwards through three sources. Each begins where the one before it ends, so no push comes twice."""

    def __init__(self, room_log: RoomLog, archive: Archive, kinds: Collection[str], max_bytes: int) -> None:
        self._log = room_log
        self._archive = archive
        self._archived = kinds
        self._max_bytes = max_bytes

    async def page(
        self, room: Room, before: int, limit: int, types: Sequence[str] | None = None
    ) -> tuple[list[StoredPush], bool]:
        """The newest `limit` pushes with seq < `before`, ascending, and whether there are older ones.

        A page over the size limit loses its oldest pushes. Raises Unavailable when nothing could be read. When a part
        could be read, it is returned with `more`, and the client asks again.
        """
        # One push more than asked for tells whether there are older ones.
        want = limit + 1
        found: list[StoredPush] = []
        end = before
        more = False
        for source in (self._memory, self._stream, self._old):
            if len(found) >= want:
                break
            try:
                page, end = await source(room, end, want - len(found), types)
            except Unavailable:
                if not found:
                    raise
                more = True
                break
            found = page + found
        visible = list(room.tail.visible(found))
        kept = _newest_within(visible[-limit:], self._max_bytes)
        return kept, more or len(kept) < len(visible)

    async def _memory(
        self, room: Room, end: int, limit: int, types: Sequence[str] | None
    ) -> tuple[list[StoredPush], int]:
        held = [push for push in room.tail.since(room.tail.start) if push.seq < end and _wanted(push, types)]
        return held[-limit:], min(end, room.tail.start + 1)

    async def _stream(
        self, room: Room, end: int, limit: int, types: Sequence[str] | None
    ) -> tuple[list[StoredPush], int]:
        first = await self._log.first()
        below = min(end, first)
        found: list[StoredPush] = []
        if not len(room.tail):
            # Read up to the room's head: beyond it, a read cannot tell the end of the room from a stale replica.
            end = min(end, await self._log.head(room.name) + 1)
        while len(found) < limit and end > first:
            page = await self._log.before(room.name, end, limit, first=first)
            found = [push for push in page if _wanted(push, types)] + found
            end = page[0].seq if len(page) >= limit else first
        return found[-limit:], below

    async def _old(self, room: Room, end: int, limit: int, types: Sequence[str] | None) -> tuple[list[StoredPush], int]:
        if room.name.kind not in self._archived:
            return [], end
        return await self._archive.before(room.text, end, limit, types), end


def _wanted(push: StoredPush, types: Sequence[str] | None) -> bool:
    return types is None or push.push in types


def _newest_within(pushes: list[StoredPush], max_bytes: int) -> list[StoredPush]:
    """The longest run of the newest pushes that fits, at least one."""
    total = 0
    for count, push in enumerate(reversed(pushes)):
        total += size(push)
        if total > max_bytes and count:
            return pushes[len(pushes) - count :]
    return pushes
