"""Runs the commands of connected members: in order for each room, side by side across rooms."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from gateway.errors import BadInput, Code, KsmpError, Limited, Refused, forbidden, invalid
from gateway.module import Command as ModuleSpec
from gateway.module import Context, RoomKind, Rooms
from gateway.protocol.bucket import Bucket
from gateway.protocol.connection import ServerConnection, error_body
from gateway.protocol.messages import (
    Command,
    Failed,
    History,
    HistoryResult,
    Join,
    Leave,
    ModuleCommand,
    Ok,
    Ping,
    PingResult,
    Presence,
    PresenceResult,
    Published,
    Refresh,
    Typing,
)
from gateway.protocol.names import room_name
from gateway.realtime.encoding import replay
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.joining import Joiner
from gateway.realtime.member import Member, Membership
from gateway.realtime.recent import message_id
from gateway.realtime.sign_in import SignIn
from gateway.realtime.typing import Typist
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class Empty(msgspec.Struct, frozen=True):
    """The ok of a command that has nothing to say."""


class Dispatcher:
    """Answers every command once, with an ok or an error."""

    def __init__(
        self,
        hub: Hub,
        joiner: Joiner,
        history: HistoryReader,
        sign_in: SignIn,
        rooms: Rooms,
        kinds: Mapping[str, RoomKind],
        commands: Mapping[str, ModuleSpec],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._joiner = joiner
        self._history = history
        self._sign_in = sign_in
        self._rooms = rooms
        self._kinds = kinds
        self._commands = commands
        self._settings = settings
        self._metrics = metrics
        self._lanes: dict[tuple[str, str], deque[Command]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, connection: ServerConnection, member: Member, command: Command) -> None:
        """Run a command after those of the same connection and room that came before it."""
        if isinstance(command, Ping):
            self._reply(connection, member, command, PingResult(int(time.time() * 1000)))
            return
        key = (member.id, getattr(command, "room", None) or "")
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(command)
            return
        self._lanes[key] = lane = deque([command])
        task = asyncio.get_running_loop().create_task(self._work(connection, member, key, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, timeout: float) -> None:
        """Wait for the commands in flight, as a node does that goes away."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    async def _work(
        self, connection: ServerConnection, member: Member, key: tuple[str, str], lane: deque[Command]
    ) -> None:
        while lane:
            command = lane[0]
            # What a client that went away had still waiting was never acknowledged.
            if member.open:
                await self._run(connection, member, command)
            lane.popleft()
        del self._lanes[key]

    async def _run(self, connection: ServerConnection, member: Member, command: Command) -> None:
        started = time.perf_counter()
        try:
            match command:
                case Join():
                    name = room_name(command.room)
                    joined, _ = await self._joiner.join(member, name, command.since, command.history)
                    # Nothing waits between the join and its reply: it precedes the room's next push.
                    self._reply(connection, member, command, joined)
                    outcome = "ok"
                case _:
                    self._reply(connection, member, command, await self._handle(member, command))
                    outcome = "ok"
        except KsmpError as error:
            outcome = error.code
            self._refuse(connection, member, command, error)
        except Exception:
            outcome = Code.INTERNAL.value
            trace = uuid.uuid4().hex
            log.exception("command.failed", connection=member.id, command=command.cmd, trace=trace)
            self._refuse(connection, member, command, KsmpError(Code.INTERNAL, f"internal error, trace {trace}"))
        self._metrics.commands.labels(self._label(command.cmd), outcome).inc()
        self._metrics.command_seconds.labels(self._label(command.cmd)).observe(time.perf_counter() - started)

    async def _handle(self, member: Member, command: Command) -> Any:
        match command:
            case Leave():
                if not self._joiner.leave(member, command.room):
                    raise BadInput(Code.NOT_JOINED, "not in this room")
                return Empty()
            case History():
                return await self._read_history(member, command)
            case Presence():
                return self._page_presence(member, command)
            case Typing():
                return self._type(member, command)
            case Refresh():
                return await self._sign_in.refresh(member, command.token)
            case ModuleCommand():
                return await self._run_module(member, command)
            case _:
                raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")

    async def _read_history(self, member: Member, command: History) -> HistoryResult:
        membership = self._membership(member, command.room)
        if command.limit > self._settings.history_limit:
            raise invalid(f"limit must be at most {self._settings.history_limit}")
        pushes, more = await self._history.page(membership.room, command.before, command.limit, command.types)
        return HistoryResult(replay(member.codec, pushes, 0), more)

    def _page_presence(self, member: Member, command: Presence) -> PresenceResult:
        presence = self._membership(member, command.room).room.presence
        if presence is None:
            raise invalid("rooms of this kind have no presence")
        if command.limit > self._settings.history_limit:
            raise invalid(f"limit must be at most {self._settings.history_limit}")
        people, more = presence.page(command.after, command.limit)
        return PresenceResult(presence.shown, presence.v, people, more)

    def _type(self, member: Member, command: Typing) -> Empty:
        room = self._membership(member, command.room).room
        if room.presence is None:
            raise invalid("rooms of this kind have no typing")
        room.typing.set(Typist(member.user.id, member.user.name), on=command.on, now=time.monotonic())
        return Empty()

    async def _run_module(self, member: Member, command: ModuleCommand) -> Any:
        spec = self._commands.get(command.cmd)
        if spec is None:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {command.cmd}")
        if command.room is None:
            raise invalid("room is missing")
        name = room_name(command.room)
        if name.kind != spec.rooms:
            raise BadInput(Code.UNKNOWN_COMMAND, f"no such command in rooms of kind {name.kind}: {command.cmd}")
        if command.nonce is None:
            id = uuid.uuid4().hex
        else:
            id = message_id(member.user.id, command.room, command.cmd, command.nonce)
            room = self._hub.room(command.room)
            # A repeat is answered as the first was, whatever limits or moderation have come since.
            if room is not None and (seq := room.recent.seq(id, int(time.time() * 1000))) is not None:
                return Published(seq, duplicate=True)
        membership = self._membership(member, command.room)
        roles = self._kinds[name.kind].roles
        if roles.index(membership.role) < roles.index(spec.role):
            raise forbidden(f"{command.cmd} needs the role {spec.role} in this room")
        try:
            request = msgspec.convert(command.data, spec.request)
        except msgspec.ValidationError as error:
            raise invalid(str(error)) from None
        self._check_rate(membership, spec)
        context = Context(
            principal=member.user,
            room=command.room,
            room_id=name.id,
            role=membership.role,
            roles=roles,
            nonce=command.nonce,
            message_id=id,
            rooms=self._rooms,
        )
        result = await spec.handler(context, request)
        return Empty() if result is None else result

    def _membership(self, member: Member, room: str) -> Membership:
        membership = member.rooms.get(room)
        if membership is None:
            room_name(room)
            raise Refused(Code.NOT_JOINED, "join this room first")
        return membership

    def _check_rate(self, membership: Membership, spec: ModuleSpec) -> None:
        if spec.rate is None:
            return
        bucket = membership.rates.get(spec.name)
        if bucket is None:
            rate = spec.rate()
            bucket = Bucket(rate.count / rate.seconds, rate.count)
            membership.rates[spec.name] = bucket
        wait = bucket.take(time.monotonic())
        if wait > 0.0:
            raise Limited(f"too many {spec.name}", retry_after=round(wait, 3))

    def _reply(self, connection: ServerConnection, member: Member, command: Command, ok: Any) -> None:
        connection.replied(command.id)
        if command.id is not None:
            member.send(Ok(command.id, ok))

    def _refuse(self, connection: ServerConnection, member: Member, command: Command, error: KsmpError) -> None:
        connection.replied(command.id)
        if command.id is not None:
            member.send(Failed(command.id, error_body(error)))

    def _label(self, cmd: str) -> str:
        """A label that a client cannot multiply by inventing names."""
        return cmd if cmd in self._commands or "." not in cmd else "unknown"
