"""Answers the commands of connections: in order for each connection and room, in parallel across rooms."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from typing import Any

import structlog

from gateway import clock
from gateway.errors import BadInput, Code, KsmpError, invalid
from gateway.protocol.connection import ServerConnection, error_body
from gateway.protocol.messages import Command, Failed, Join, Leave, Ok, Ping, PingResult, Refresh
from gateway.protocol.names import room_name
from gateway.realtime.command_executor import CommandExecutor
from gateway.realtime.command_source import MemberSource
from gateway.realtime.core_commands import Empty
from gateway.realtime.joining import Joiner
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class Dispatcher:
    """Answers every command of every connection once, with an ok or an error."""

    def __init__(self, joiner: Joiner, sign_in: SignIn, executor: CommandExecutor, metrics: Metrics) -> None:
        self._joiner = joiner
        self._sign_in = sign_in
        self._executor = executor
        self._metrics = metrics
        self._lanes: dict[tuple[str, str], deque[Command]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, connection: ServerConnection, member: Member, command: Command) -> None:
        """Run a command after the earlier ones of the same connection and room."""
        if isinstance(command, Ping):
            self._reply(connection, member, command, PingResult(clock.now_ms()))
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
        """Wait for the commands in flight, when the node shuts down, and cancel those that hang."""
        if self._tasks:
            _, hanging = await asyncio.wait(self._tasks, timeout=timeout)
            if hanging:
                log.warning("commands.given_up", count=len(hanging))
                await end(hanging)

    async def _work(
        self, connection: ServerConnection, member: Member, key: tuple[str, str], lane: deque[Command]
    ) -> None:
        # The handlers' log lines carry the connection.
        structlog.contextvars.bind_contextvars(connection=member.id)
        while lane:
            command = lane[0]
            # Commands of a client that has gone were never acknowledged, so they need not run.
            if member.open:
                await self._answer(connection, member, command)
            lane.popleft()
        del self._lanes[key]

    async def _answer(self, connection: ServerConnection, member: Member, command: Command) -> None:
        try:
            ok = await self._run(member, command)
            # Nothing waits between a join and its reply, so the reply precedes the room's next push.
            self._reply(connection, member, command, ok)
        except KsmpError as error:
            self._refuse(connection, member, command, error)
        except OverflowError:
            # A time at the edge of the calendar, or a number beyond what arithmetic holds.
            self._refuse(connection, member, command, invalid("a number or a time is out of range"))
        except Exception:
            trace = uuid.uuid4().hex
            log.exception("command.failed", command=command.cmd, trace=trace)
            self._refuse(connection, member, command, KsmpError(Code.INTERNAL, f"internal error, trace {trace}"))

    async def _run(self, member: Member, command: Command) -> Any:
        """The ok of the reply; raises KsmpErrors."""
        match command:
            case Join() | Leave() | Refresh():
                with self._metrics.command(command.cmd):
                    return await self._run_of_connection(member, command)
            case _:
                return await self._executor.execute(MemberSource(member), command)

    async def _run_of_connection(self, member: Member, command: Join | Leave | Refresh) -> Any:
        match command:
            case Join():
                joined, _ = await self._joiner.join(member, room_name(command.room), command.since, command.history)
                return joined
            case Leave():
                if not self._joiner.leave(member, command.room):
                    raise BadInput(Code.NOT_JOINED, "not in this room")
                return Empty()
            case Refresh():
                return await self._sign_in.refresh(member, command.token)

    def _reply(self, connection: ServerConnection, member: Member, command: Command, ok: Any) -> None:
        connection.replied(command.id)
        if command.id is not None:
            member.send(Ok(command.id, ok))

    def _refuse(self, connection: ServerConnection, member: Member, command: Command, error: KsmpError) -> None:
        connection.replied(command.id)
        if command.id is not None:
            member.send(Failed(command.id, error_body(error)))
