"""The commands that members may use in a room: those of their role, without those that were taken away."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from gateway import clock
from gateway.contract.command import CommandSpec
from gateway.contract.room_kind import RoomKind
from gateway.db.cluster_state import Fact
from gateway.errors import Code, Restricted
from gateway.protocol.messages import Can, Push
from gateway.protocol.names import RoomName, room_name, user_id
from gateway.realtime.cluster_state import LIFTED, ClusterState, moment
from gateway.realtime.hub import Hub

# The core command that may be taken away too. No module declares it.
TYPING: Final = "typing"
NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}", re.ASCII)


class Restriction(msgspec.Struct, frozen=True):
    """These commands are taken away from a user in a room. `name` tells restrictions on one user apart."""

    room: str
    user: str
    name: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    commands: frozenset[str]
    # In milliseconds since the Unix epoch.
    until: float


class Restrictions:
    """The restrictions in force, by room and user; implements `gateway.realtime.cluster_state.StateTopic`."""

    kind = "restriction"

    def __init__(
        self, state: ClusterState, hub: Hub, kinds: Mapping[str, RoomKind], commands: Mapping[str, CommandSpec]
    ) -> None:
        self._state = state
        self._hub = hub
        self._kinds = kinds
        self._commands = commands
        self._held: dict[tuple[str, str], dict[str, _Held]] = {}
        self._every: dict[tuple[str, str], list[str]] = {}
        state.add(self)

    async def restrict(
        self, room: str, user: str, commands: Collection[str], until: datetime | None, name: str
    ) -> None:
        kind = room_name(room).kind
        for command in commands:
            if command != TYPING and (command not in self._commands or kind not in self._commands[command].rooms):
                raise ValueError(f"there is no command {command} in rooms of kind {kind}")
        await self._declare(room, user, name, commands, moment(until))

    async def lift(self, room: str, user: str, name: str) -> None:
        await self._declare(room, user, name, (), LIFTED)

    def can(self, room: RoomName, role: str, user: str) -> list[str]:
        """The commands of modules that this member may use in the room."""
        every = self._every.get((room.kind, role))
        if every is None:
            every = self._every[room.kind, role] = self._by_role(room.kind, role)
        held = self._held.get((str(room), user))
        if held is None:
            return every
        taken = frozenset().union(*(one.commands for one in held.values()))
        return [command for command in every if command not in taken]

    def require_allowed(self, room: str, user: str, command: str) -> None:
        """Raises Restricted while the command is taken away from this user."""
        held = self._held.get((room, user))
        if held is None:
            return
        now = clock.now_ms()
        taking = ((one.until, name) for name, one in held.items() if command in one.commands)
        until, name = max(taking, default=(0.0, ""))
        if until > now:
            retry_after = None if math.isinf(until) else round((until - now) / 1000, 3)
            code = name if "." in name else Code.FORBIDDEN
            raise Restricted(f"you may not use {command} here for now", retry_after=retry_after, code=code)

    def learn(self, fact: Fact, *, holds: bool) -> None:
        restriction = msgspec.json.decode(fact.data, type=Restriction)
        place = (restriction.room, restriction.user)
        held = self._held.setdefault(place, {})
        held.pop(restriction.name, None)
        if holds and restriction.commands:
            until = math.inf if fact.until is None else float(fact.until)
            held[restriction.name] = _Held(frozenset(restriction.commands), until)
        if not held:
            del self._held[place]
        self._tell(restriction)

    def end(self, fact: Fact) -> None:
        self.learn(fact, holds=False)

    async def _declare(self, room: str, user: str, name: str, commands: Collection[str], until: int | None) -> None:
        if NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name for a restriction")
        restriction = Restriction(str(room_name(room)), user_id(user), name, tuple(sorted(commands)))
        await self._state.declare(self.kind, f"{room} {user} {name}", restriction, until)

    def _tell(self, restriction: Restriction) -> None:
        """Push `can` to the user's connections in the room, when it has changed."""
        room = self._hub.room(restriction.room)
        if room is None:
            return
        for membership in room.fanout.of(restriction.user):
            can = self.can(room.name, membership.role, restriction.user)
            if can != membership.can:
                membership.can = can
                membership.member.send(Push(push=Can.push, room=room.text, data=Can(can)))

    def _by_role(self, kind: str, role: str) -> list[str]:
        roles: Sequence[str] = self._kinds[kind].roles
        return sorted(
            command.name
            for command in self._commands.values()
            if kind in command.rooms and roles.index(role) >= roles.index(command.rooms[kind])
        )
