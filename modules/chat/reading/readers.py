"""Who reads a room: for each kind, as its owner says now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from gateway.contract import Kernel
from gateway.principal import Principal, Role
from modules.chat.direct.direct_rooms import direct_room
from modules.chat.direct.repository import DirectRepository
from modules.chat.reading.repository import ReadingRepository
from modules.live.facade import role_as_reader, session_room
from modules.programs.facade import exists, part_of, program_room, read_since, readers_of

# Classes whose rooms a user has read, in a list of rooms.
CLASSES: Final = 20


class Readable(msgspec.Struct, frozen=True):
    """A room that a user may read, and since when they see what is written; None: all."""

    room: str
    since: datetime | None = None


class Reader(msgspec.Struct, frozen=True):
    """A user who may read a room, and since when."""

    user_id: str
    since: datetime | None = None


class Readers(Protocol):
    """The readers of one kind of room. Each call raises Unavailable."""

    kind: str

    async def find(self, principal: Principal, id: str) -> Readable | None:
        """The room, if the user may read it now."""

    async def rooms_of(self, principal: Principal) -> Sequence[Readable]:
        """The rooms that a list of the user's rooms shows."""

    async def of_room(self, id: str) -> Sequence[Reader]:
        """Who is told when the room's counts change."""


class SessionReaders:
    """Classes. Nobody is told of one: its viewers are in it, and each message of a busy one would be a push to each."""

    kind = "session"

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._rows = ReadingRepository(kernel.database)

    async def find(self, principal: Principal, id: str) -> Readable | None:
        role = await role_as_reader(self._database, principal, id)
        return Readable(session_room(id)) if role is not None else None

    async def rooms_of(self, principal: Principal) -> Sequence[Readable]:
        """Those where they have read something and still may."""
        rooms = await self._rows.read_rooms(principal.id, self.kind, CLASSES)
        found = [await self.find(principal, room.partition(":")[2]) for room in rooms]
        return [one for one in found if one is not None]

    async def of_room(self, id: str) -> Sequence[Reader]:
        return ()


class ProgramReaders:
    """Programs: who has a place, teaches, or has begun an open one."""

    kind = "program"

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database

    async def find(self, principal: Principal, id: str) -> Readable | None:
        followed = await read_since(self._database, principal.id, principal.role)
        if id in followed:
            return Readable(program_room(id), followed[id])
        # An open program may be read before it is begun, and an admin may look.
        admin = principal.role is Role.ADMIN and await exists(self._database, id)
        if admin or await part_of(self._database, principal, id) is not None:
            return Readable(program_room(id))
        return None

    async def rooms_of(self, principal: Principal) -> Sequence[Readable]:
        followed = await read_since(self._database, principal.id, principal.role)
        return [Readable(program_room(id), since) for id, since in followed.items()]

    async def of_room(self, id: str) -> Sequence[Reader]:
        return [Reader(user, since) for user, since in (await readers_of(self._database, id)).items()]


class DirectReaders:
    """Direct rooms: their members, from when on they see what was written. An admin is no member."""

    kind = "direct"

    def __init__(self, kernel: Kernel) -> None:
        self._rows = DirectRepository(kernel.database)

    async def find(self, principal: Principal, id: str) -> Readable | None:
        since = await self._rows.seen_from(id, principal.id)
        return Readable(direct_room(id), since) if since is not None else None

    async def rooms_of(self, principal: Principal) -> Sequence[Readable]:
        return [Readable(direct_room(id), since) for id, since in (await self._rows.followed(principal.id)).items()]

    async def of_room(self, id: str) -> Sequence[Reader]:
        return [Reader(user, since) for user, since in (await self._rows.followers(id)).items()]
