"""A command that comes by POST: its user needs a grant for the room and no membership."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from gateway.contract.room_kind import Granted
from gateway.errors import Refused, Unavailable
from gateway.principal import Principal
from gateway.protocol.codec import JSON
from gateway.protocol.messages import Command
from gateway.protocol.names import RoomName
from gateway.realtime.command_source import Caller
from gateway.realtime.grants import Grants
from gateway.realtime.hub import Hub
from gateway.realtime.repeats import is_repeatable


class RequestSource:
    """One request; implements `gateway.realtime.command_source.CommandSource`."""

    def __init__(self, principal: Principal, hub: Hub, grants: Grants) -> None:
        self.principal = principal
        self._hub = hub
        self._grants = grants
        self._granted: Granted | None = None

    @contextlib.asynccontextmanager
    async def reach(self, name: RoomName, command: Command) -> AsyncIterator[None]:
        try:
            self._granted = await self._grants.grant(self.principal, name)
        except Refused:
            # A repeat is answered whatever moderation has come since. Nobody else opens a room without a grant.
            if not is_repeatable(command):
                raise
        async with self._hub.using(name):
            yield

    async def caller(self, name: RoomName) -> Caller:
        granted = self._granted
        if granted is None:
            granted = await self._grants.grant(self.principal, name)
        room = self._hub.room(str(name))
        if room is None:
            raise Unavailable("the room is away")
        return Caller(self.principal, room, granted.role, JSON, granted.seen_from)
