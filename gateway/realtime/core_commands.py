"""The kernel's own commands in a room: `history`, `presence` and `typing`."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from gateway.errors import BadInput, Code, invalid
from gateway.protocol.messages import Command, History, HistoryResult, Presence, PresenceResult, Typing
from gateway.realtime.command_source import Caller
from gateway.realtime.frame_encoder import replay
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.tail import seen
from gateway.realtime.typing import Typist


class Empty(msgspec.Struct, frozen=True):
    """The ok of a command that has nothing to say."""


class CoreCommands:
    """Answers the kernel's own commands. `page` is the most that one answer lists."""

    def __init__(self, hub: Hub, history: HistoryReader, restrictions: Restrictions, page: int) -> None:
        self._hub = hub
        self._history = history
        self._restrictions = restrictions
        self._page = page

    async def run(self, caller: Caller, command: Command) -> Any:
        """The ok of the reply; raises KsmpErrors."""
        match command:
            case History():
                return await self._read_history(caller, command)
            case Presence():
                return self._list_people(caller, command)
            case Typing():
                return self._note_typing(caller, command)
            case _:
                raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")

    async def _read_history(self, caller: Caller, command: History) -> HistoryResult:
        self._check_limit(command.limit)
        await self._hub.backfill.load_recent(caller.room)
        pushes, more = await self._history.page(caller.room, command.before, command.limit, command.types)
        shown = seen(pushes, caller.seen_from)
        # Whatever is older than what the caller may not see is not for them either.
        return HistoryResult(replay(caller.codec, shown, 0), more and len(shown) == len(pushes))

    def _list_people(self, caller: Caller, command: Presence) -> PresenceResult:
        self._check_limit(command.limit)
        presence = caller.room.presence
        if presence is None:
            raise invalid("rooms of this kind have no presence")
        people, more = presence.page(command.after, command.limit)
        return PresenceResult(presence.shown, presence.v, people, more)

    def _note_typing(self, caller: Caller, command: Typing) -> Empty:
        user, typing = caller.principal, caller.room.typing
        self._restrictions.require_allowed(caller.room.text, user.id, command.cmd)
        if typing is None:
            raise invalid("rooms of this kind have no typing")
        typing.set(Typist(user.id, user.name), on=command.on, now=time.monotonic())
        return Empty()

    def _check_limit(self, limit: int) -> None:
        if limit > self._page:
            raise invalid(f"limit must be at most {self._page}")
