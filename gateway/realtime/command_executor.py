"""Runs the commands that are used in a room: history, presence, typing, and those of the modules."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import clock
from gateway.backoff import Backoff
from gateway.contract.command import Command as ModuleSpec
from gateway.contract.context import Context
from gateway.contract.room_kind import RoomKind
from gateway.contract.rooms import Rooms
from gateway.db.database import PostgresDatabase
from gateway.db.results import CommandResults
from gateway.errors import BadInput, Code, Limited, Unavailable, forbidden, invalid
from gateway.principal import Principal
from gateway.protocol.bucket import Bucket
from gateway.protocol.codec import Codec
from gateway.protocol.messages import (
    Command,
    History,
    HistoryResult,
    ModuleCommand,
    Presence,
    PresenceResult,
    Published,
    Typing,
)
from gateway.protocol.names import RoomName, room_name
from gateway.realtime.dedup_window import message_id
from gateway.realtime.frame_encoder import replay
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.room import Room
from gateway.realtime.typing import Typist


class Empty(msgspec.Struct, frozen=True):
    """The ok of a command that has nothing to say."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who uses a command, in which room and role; `rates` are the limits they have used up there."""

    principal: Principal
    room: Room
    role: str
    rates: dict[str, Bucket]
    codec: Codec


class CommandExecutor:
    """Asks in this order: is it a repeat, may they, is it well-formed, is it too often; then it happens."""

    def __init__(
        self,
        hub: Hub,
        history: HistoryReader,
        rooms: Rooms,
        kinds: Mapping[str, RoomKind],
        commands: Mapping[str, ModuleSpec],
        restrictions: Restrictions,
        database: PostgresDatabase,
        results: CommandResults,
        page: int,
        patience: float,
    ) -> None:
        self._hub = hub
        self._history = history
        self._rooms = rooms
        self._kinds = kinds
        self._commands = commands
        self._restrictions = restrictions
        self._database = database
        self._results = results
        self._page = page
        self._patience = patience

    def label(self, cmd: str) -> str:
        """A name for metrics that a client cannot multiply by inventing commands."""
        return cmd if cmd in self._commands or "." not in cmd else "unknown"

    def check(self, command: Command) -> RoomName:
        """The room a command is for, if there is such a command in it; raises BadInput."""
        spec = self._commands.get(command.cmd)
        if isinstance(command, ModuleCommand) and spec is None:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")
        name = room_name(getattr(command, "room", None) or "")
        if spec is not None and spec.rooms != name.kind:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command in rooms of kind {name.kind}: {command.cmd}")
        return name

    async def repeated(self, principal: Principal, command: Command) -> Any | None:
        """The first result of a command that is repeated, whatever limits or moderation have come since.

        Raises Unavailable.
        """
        if not isinstance(command, ModuleCommand) or command.nonce is None or command.room is None:
            return None
        id = message_id(principal.id, command.room, command.cmd, command.nonce)
        spec = self._commands.get(command.cmd)
        if spec is not None and spec.row_first:
            return await self._results.first(id)
        room = self._hub.room(command.room)
        if room is None:
            return None
        await self._remember(room)
        seq = room.dedup.seq(id, clock.now_ms())
        return None if seq is None else Published(seq, duplicate=True)

    async def _remember(self, room: Room) -> None:
        """Learn what may be repeated, trying as long as the publish behind it would be; raises Unavailable."""
        deadline = time.monotonic() + self._patience
        backoff = Backoff(0.1, 1.0)
        while True:
            try:
                return await self._hub.remember(room)
            except Unavailable:
                if time.monotonic() + backoff.pause > deadline:
                    raise
            await asyncio.sleep(backoff.next())

    async def run(self, caller: Caller, command: Command) -> Any:
        """The ok of the reply; raises KsmpErrors."""
        match command:
            case History():
                self._check_limit(command.limit)
                await self._hub.remember(caller.room)
                pushes, more = await self._history.page(caller.room, command.before, command.limit, command.types)
                return HistoryResult(replay(caller.codec, pushes, 0), more)
            case Presence():
                self._check_limit(command.limit)
                return _page_presence(caller.room, command)
            case Typing():
                self._restrictions.check(caller.room.text, caller.principal.id, command.cmd)
                return _type(caller, command)
            case ModuleCommand():
                return await self._run_module(caller, command)
            case _:
                raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")

    async def _run_module(self, caller: Caller, command: ModuleCommand) -> Any:
        spec = self._commands[command.cmd]
        name = caller.room.name
        roles = self._kinds[name.kind].roles
        if roles.index(caller.role) < roles.index(spec.role):
            raise forbidden(f"{command.cmd} needs the role {spec.role} in this room")
        self._restrictions.check(caller.room.text, caller.principal.id, command.cmd)
        try:
            request: Any = msgspec.convert(command.data, spec.request)
        except msgspec.ValidationError as error:
            raise invalid(str(error)) from None
        _check_rate(spec, caller.rates)
        user = caller.principal
        once = uuid.uuid4().hex
        context = Context(
            principal=user,
            room=caller.room.text,
            room_id=name.id,
            role=caller.role,
            roles=roles,
            nonce=command.nonce,
            message_id=message_id(user.id, caller.room.text, command.cmd, command.nonce) if command.nonce else once,
            rooms=self._rooms,
        )
        if spec.row_first:
            return await self._transact(spec, context, request)
        result = await spec.handler(context, request)
        return Empty() if result is None else result

    async def _transact(self, spec: ModuleSpec, context: Context, request: Any) -> Any:
        """Run a row-first command, once for its nonce."""
        try:
            return await self._once(spec, context, request)
        finally:
            for call in context.endings:
                call()

    async def _once(self, spec: ModuleSpec, context: Context, request: Any) -> Any:
        repeatable = context.nonce is not None
        async with self._database.transaction():
            if repeatable and not await self._results.claim(context.message_id):
                # It came twice at once, and the other has committed by now.
                return await self._results.first(context.message_id)
            result = await spec.handler(context, request) or Empty()
            if repeatable:
                await self._results.keep(context.message_id, result)
            return result

    def _check_limit(self, limit: int) -> None:
        if limit > self._page:
            raise invalid(f"limit must be at most {self._page}")


def _page_presence(room: Room, command: Presence) -> PresenceResult:
    if room.presence is None:
        raise invalid("rooms of this kind have no presence")
    people, more = room.presence.page(command.after, command.limit)
    return PresenceResult(room.presence.shown, room.presence.v, people, more)


def _type(caller: Caller, command: Typing) -> Empty:
    if caller.room.typing is None:
        raise invalid("rooms of this kind have no typing")
    user = caller.principal
    caller.room.typing.set(Typist(user.id, user.name), on=command.on, now=time.monotonic())
    return Empty()


def _check_rate(spec: ModuleSpec, rates: dict[str, Bucket]) -> None:
    if spec.rate is None:
        return
    bucket = rates.get(spec.name)
    if bucket is None:
        rate = spec.rate()
        bucket = rates[spec.name] = Bucket(rate.count / rate.seconds, rate.count)
    wait = bucket.take(time.monotonic())
    if wait > 0.0:
        raise Limited(f"too many {spec.name}", retry_after=round(wait, 3))
