"""Read positions and unread counts: what a user has read on any device, and what follows from it.

The server counts, from rows, each time. A client that is told keeps what has the highest `rev` and computes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel, StoredPush, command
from gateway.errors import not_found
from gateway.principal import Principal
from gateway.protocol.names import room_name
from modules.accounts.facade import user_room
from modules.chat.reading.messages import UNREAD, AskUnread, LastMessage, Read, RoomSummary, Unread, UnreadSummary
from modules.chat.reading.readers import Readable, Readers
from modules.chat.reading.repository import Asked, Counted, ReadingRepository, Summed
from modules.chat.room_kinds import MEMBERS
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, post_of
from modules.notify.facade import muted_rooms

# Characters of the newest message in a list of rooms.
PREVIEW: Final = 200


class UnreadCounts:
    """The counts of the user who asks. Each call raises Unavailable."""

    pushes = (UNREAD,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, readers: Sequence[Readers]) -> None:
        self._kernel = kernel
        self._most = settings.unread_most
        self._rooms = settings.unread_rooms
        self._readers: Mapping[str, Readers] = {one.kind: one for one in readers}
        self._rows = ReadingRepository(kernel.database)

    @command("chat.read", room=MEMBERS, rate="read_rate")
    async def command_read(self, context: Context, request: Read) -> Unread:
        """The user has seen the room's messages up to this one; an older one changes nothing."""
        return await self.read(context.principal, context.room, request)

    @command("chat.unread", room="user", role="owner", rate="read_rate")
    async def command_summary(self, context: Context, request: AskUnread) -> UnreadSummary:
        """What is unread in all rooms of the user."""
        return await self.summary(context.principal)

    async def find(self, principal: Principal, room: str) -> Readable:
        """A room that the user may read now; raises BadInput `not_found`."""
        name = room_name(room)
        readers = self._readers.get(name.kind)
        found = await readers.find(principal, name.id) if readers is not None else None
        if found is None:
            raise not_found("there is no such room")
        return found

    async def read(self, principal: Principal, room: str, request: Read) -> Unread:
        """Move the user's position in a room up to a message, and tell all their devices.

        A seq beyond the newest message is that message: what comes later is unread. Raises BadInput `not_found` for a
        room that the user may not read.
        """
        readable = await self.find(principal, room)
        seq = request.seq
        if seq > await self._rows.head(room):
            # The index may be behind, the log is not.
            newest = await self._kernel.rooms.recent(room, 1, VERSIONS)
            seq = min(seq, max((one.seq for one in newest), default=0))
        moved = seq > 0 and await self._rows.read(principal.id, room, seq)
        # Counted when that is committed, so that what is told of a revision is the same wherever it is counted.
        (counted,) = await self._rows.counts([Asked(principal.id, room, readable.since)], self._most)
        unread = self.shown(counted)
        if moved:
            await self._kernel.rooms.emit(user_room(principal.id), UNREAD, unread)
        return unread

    async def summary(self, principal: Principal) -> UnreadSummary:
        """All rooms that the user may read, with what is unread there and the newest message."""
        kinds = await asyncio.gather(*(readers.rooms_of(principal) for readers in self._readers.values()))
        asked = [Asked(principal.id, one.room, one.since) for rooms in kinds for one in rooms]
        found = await self._rows.summary(asked, self._most, self._rooms + 1)
        shown = found[: self._rooms]
        texts = await self._kernel.archive.found([one.version for one in shown if one.version is not None])
        muted = await muted_rooms(self._kernel, principal.id)
        rooms = (msgspec.structs.replace(self._summed(one, texts), muted=one.room in muted) for one in shown)
        return UnreadSummary(tuple(rooms), len(found) > len(shown))

    def shown(self, counted: Counted) -> Unread:
        """What a client is told."""
        return Unread(
            room=counted.room,
            unread=min(counted.unread, self._most),
            mentions=counted.mentions,
            seq=counted.seq,
            rev=counted.rev,
            more=counted.unread > self._most,
        )

    def _summed(self, one: Summed, texts: Mapping[int, StoredPush]) -> RoomSummary:
        unread, last = self.shown(one), None
        # It may have been erased since it was counted.
        if one.last_seq is not None and one.at is not None and (found := texts.get(one.version or 0)) is not None:
            post = post_of(found)
            last = LastMessage(one.last_seq, clock.to_ms(one.at), post.author, post.text[:PREVIEW])
        return RoomSummary(unread.room, unread.unread, unread.mentions, unread.seq, unread.rev, unread.more, last)
