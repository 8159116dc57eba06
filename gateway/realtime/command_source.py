"""The ways a command comes in: each says who sends it, and which role that user has in the room."""

from __future__ import annotations

import contextlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import Code, Refused
from gateway.principal import Principal
from gateway.protocol.codec import Codec
from gateway.protocol.messages import Command
from gateway.protocol.names import RoomName
from gateway.realtime.member import Member
from gateway.realtime.room import Room


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a command, with room and role."""

    principal: Principal
    room: Room
    role: str
    codec: Codec
    # What was stored before is not for the caller; in milliseconds since the Unix epoch.
    seen_from: int = 0


class CommandSource(Protocol):
    """A user who sends a command, by one of the transports."""

    @property
    def principal(self) -> Principal: ...

    def reach(self, name: RoomName, command: Command) -> AbstractAsyncContextManager[None]:
        """Keep the room open inside the block, for a user who need not have joined it.

        Raises what the room's owner raises for a user who may not even ask, and Unavailable.
        """

    async def caller(self, name: RoomName) -> Caller:
        """The user in this room; raises Refused for one who may use no command there, and Unavailable."""


class MemberSource:
    """A connection. Its user must have joined the room; implements `CommandSource`."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.principal = member.user

    def reach(self, name: RoomName, command: Command) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    async def caller(self, name: RoomName) -> Caller:
        membership = self._member.rooms.get(str(name))
        if membership is None:
            raise Refused(Code.NOT_JOINED, "join this room first")
        room, codec = membership.room, self._member.codec
        return Caller(self.principal, room, membership.role, codec, membership.seen_from)
