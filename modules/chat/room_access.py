"""Who takes part in a room, and who moderates it: asked of the module that owns its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.contract import Context, Rooms
from gateway.errors import Refused, not_found
from gateway.principal import Principal


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Somebody who may write in a room now, and the quota in which their files count."""

    role: str
    quota: str


class RoomAccess(ABC):
    """The rooms of one kind, by their ids. Each call raises Unavailable without the database."""

    @abstractmethod
    async def reader(self, principal: Principal, id: str) -> str | None:
        """The role in which the user may read what is said in the room, whether or not they may write there."""

    @abstractmethod
    async def writer(self, principal: Principal, id: str) -> Writer:
        """For a user who may write in the room now, as far as the room's settings let them.

        Raises BadInput `not_found` and Refused.
        """

    @abstractmethod
    async def roles(self, id: str, users: Sequence[str]) -> Mapping[str, str]:
        """The role of each of these users in the room. Users without a part in it are left out."""

    @abstractmethod
    async def moderates(self, principal: Principal, id: str) -> bool:
        """Whether the user reads and decides the room's reports; raises BadInput `not_found` without such a room."""

    @abstractmethod
    async def staff_rooms(self, id: str) -> Sequence[str]:
        """The rooms in which those who moderate this one hear of mutes and reports."""

    @abstractmethod
    async def subscribed(self, id: str, user: str) -> bool:
        """Whether the user may write in the mode `subscribers`."""

    async def seen_from(self, principal: Principal, id: str) -> int:
        """From when on a reader sees the room, in milliseconds since the Unix epoch; 0 is all of it."""
        return 0

    async def check_sending(self, context: Context) -> None:  # noqa: B027 most kinds need no more than the role
        """Raises Refused for a member who may not write any more. Asked before each message, edit and reaction."""


class ChatRooms:
    """All rooms that have chat. Each call raises BadInput `not_found` for a room of another kind."""

    def __init__(self, rooms: Rooms, kinds: Mapping[str, RoomAccess]) -> None:
        self._rooms = rooms
        self._kinds = kinds

    async def reader(self, principal: Principal, room: str) -> str | None:
        access, id = self._of(room)
        return await access.reader(principal, id)

    async def require_reader(self, principal: Principal, room: str) -> str:
        """The role in which the user reads the room. To anybody else it is as if there were none."""
        role = None
        with suppress(Refused):
            self._rooms.check(room, principal.id)
            role = await self.reader(principal, room)
        if role is None:
            raise not_found("there is no such room")
        return role

    async def seen_from(self, principal: Principal, room: str) -> int:
        access, id = self._of(room)
        return await access.seen_from(principal, id)

    async def writer(self, principal: Principal, room: str) -> Writer:
        access, id = self._of(room)
        return await access.writer(principal, id)

    async def roles(self, room: str, users: Sequence[str]) -> Mapping[str, str]:
        access, id = self._of(room)
        return await access.roles(id, users)

    async def moderates(self, principal: Principal, room: str) -> bool:
        access, id = self._of(room)
        return await access.moderates(principal, id)

    async def staff_rooms(self, room: str) -> Sequence[str]:
        access, id = self._of(room)
        return await access.staff_rooms(id)

    async def subscribed(self, room: str, user: str) -> bool:
        access, id = self._of(room)
        return await access.subscribed(id, user)

    async def check_sending(self, context: Context) -> None:
        access, _ = self._of(context.room)
        await access.check_sending(context)

    def _of(self, room: str) -> tuple[RoomAccess, str]:
        kind, _, id = room.partition(":")
        if kind not in self._kinds or not id:
            raise not_found("there is no such room")
        return self._kinds[kind], id
