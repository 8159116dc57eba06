"""Runs the commands that are used in a room, whichever way they come in.

Every command takes the same steps, and each step may answer it:

1. check: the command exists in rooms of this kind;
2. repeat: a command with the same nonce was done before, and its first answer is given again;
3. caller: the user is in the room, with a role;
4. permission: the role and the restrictions allow it, and its data has the right form;
5. rate: the user has not used it too often in this room;
6. handler: the module does the work.

A repeat is answered before any limit. The handler of a row-first command runs in a transaction, which also stores
its answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.contract.command import CommandSpec
from gateway.contract.context import Context
from gateway.contract.room_kind import RoomKind
from gateway.contract.rooms import Rooms
from gateway.db.database import PostgresDatabase
from gateway.db.results import CommandResults
from gateway.errors import BadInput, Code, forbidden, invalid
from gateway.protocol.messages import Command, ModuleCommand
from gateway.protocol.names import RoomName, room_name
from gateway.realtime.command_source import Caller, CommandSource
from gateway.realtime.core_commands import CoreCommands, Empty
from gateway.realtime.dedup_window import message_id
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.repeats import Repeats
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.user_limits import UserLimits
from gateway.telemetry.metrics import Metrics


class CommandExecutor:
    """Runs one command at a time for its caller. `kinds` and `commands` may be filled after it is made.

    `page` is the most that `history` and `presence` list. `patience` is how long a command that may be a repeat waits
    for the log, in seconds.
    """

    def __init__(
        self,
        hub: Hub,
        history: HistoryReader,
        rooms: Rooms,
        kinds: Mapping[str, RoomKind],
        commands: Mapping[str, CommandSpec],
        restrictions: Restrictions,
        database: PostgresDatabase,
        results: CommandResults,
        limits: UserLimits,
        metrics: Metrics,
        *,
        page: int,
        patience: float,
    ) -> None:
        self._rooms = rooms
        self._kinds = kinds
        self._commands = commands
        self._restrictions = restrictions
        self._database = database
        self._results = results
        self._limits = limits
        self._metrics = metrics
        self._core = CoreCommands(hub, history, restrictions, page)
        self._repeats = Repeats(hub, results, patience)

    async def execute(self, source: CommandSource, command: Command) -> Any:
        """The ok of the reply; raises KsmpErrors, and what a handler raises by mistake."""
        with self._metrics.command(self._label(command.cmd)):
            name, spec = self._check(command)
            async with source.reach(name, command):
                first = await self._repeats.first_answer(source.principal, command, spec)
                if first is not None:
                    return first
                caller = await source.caller(name)
                if isinstance(command, ModuleCommand) and spec is not None:
                    return await self._run(spec, caller, command)
                return await self._core.run(caller, command)

    def _label(self, cmd: str) -> str:
        """A name for metrics that a client cannot multiply by inventing commands."""
        return cmd if cmd in self._commands or "." not in cmd else "unknown"

    def _check(self, command: Command) -> tuple[RoomName, CommandSpec | None]:
        """The room and the module's declaration, None for a command of the kernel's own; raises BadInput."""
        spec = self._commands.get(command.cmd)
        if isinstance(command, ModuleCommand) and spec is None:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")
        name = room_name(getattr(command, "room", None) or "")
        if spec is not None and name.kind not in spec.rooms:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command in rooms of kind {name.kind}: {command.cmd}")
        return name, spec

    async def _run(self, spec: CommandSpec, caller: Caller, command: ModuleCommand) -> Any:
        self._check_permission(spec, caller)
        try:
            request: Any = msgspec.convert(command.data, spec.request)
        except msgspec.ValidationError as error:
            raise invalid(str(error)) from None
        self._limits.count(caller.principal.id, caller.room.text, spec)
        context = self._context(spec, caller, command.nonce)
        if not spec.row_first:
            return await spec.handler(context, request) or Empty()
        try:
            return await self._run_row_first(spec, context, request)
        finally:
            for call in context.endings:
                call()

    async def _run_row_first(self, spec: CommandSpec, context: Context, request: Any) -> Any:
        """Do the work and store its answer in one transaction, once for its nonce."""
        repeatable = context.nonce is not None
        async with self._database.transaction():
            if repeatable and not await self._results.claim(context.message_id):
                # The same command came twice at once, and the other one has committed by now.
                return await self._results.first(context.message_id)
            result = await spec.handler(context, request) or Empty()
            if repeatable:
                await self._results.keep(context.message_id, result)
            return result

    def _check_permission(self, spec: CommandSpec, caller: Caller) -> None:
        kind = caller.room.name.kind
        roles, least = self._kinds[kind].roles, spec.rooms[kind]
        if roles.index(caller.role) < roles.index(least):
            raise forbidden(f"{spec.name} needs the role {least} in this room")
        self._restrictions.require_allowed(caller.room.text, caller.principal.id, spec.name)

    def _context(self, spec: CommandSpec, caller: Caller, nonce: str | None) -> Context:
        user, room = caller.principal, caller.room
        return Context(
            principal=user,
            room=room.text,
            room_id=room.name.id,
            role=caller.role,
            roles=self._kinds[room.name.kind].roles,
            nonce=nonce,
            message_id=message_id(user.id, room.text, spec.name, nonce) if nonce else uuid.uuid4().hex,
            rooms=self._rooms,
            seen_from=caller.seen_from,
        )
