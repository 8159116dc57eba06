"""Serves one WebSocket connection after its handshake: it signs the client in and hands its commands on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Protocol

import structlog

from gateway.errors import CloseCode, Code, KsmpError, Refused
from gateway.protocol.connection import Answered, Received, ServerConnection, Violation, error_body
from gateway.protocol.messages import Connect, Failed, Ok
from gateway.realtime.dispatch import Dispatcher
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.realtime.user_limits import UserLimits
from gateway.telemetry import logs
from gateway.telemetry.metrics import Metrics
from gateway.transport.deadline import Deadline
from gateway.transport.endpoint import WebSocketEndpoint

log = structlog.get_logger(__name__)
quick = logs.QuickLog(__name__)


class Gone(Protocol):
    def __call__(self, member: Member, code: int, *, refused: bool) -> None: ...


class ConnectionSession:
    """One connection after its handshake; implements `gateway.transport.endpoint.Receiver`."""

    __slots__ = (
        "_connection",
        "_count_refused",
        "_deadline",
        "_dispatcher",
        "_endpoint",
        "_gone",
        "_limits",
        "_member",
        "_metrics",
        "_patience",
        "_refused",
        "_sign_in",
        "_signed_in",
        "_signing_in",
        "_waiting",
        "_waiting_bytes",
    )

    def __init__(
        self,
        connection: ServerConnection,
        member: Member,
        endpoint: WebSocketEndpoint,
        sign_in: SignIn,
        dispatcher: Dispatcher,
        limits: UserLimits,
        count_refused: Callable[[KsmpError], bool] | None,
        metrics: Metrics,
        gone: Gone,
    ) -> None:
        self._connection = connection
        self._member = member
        self._endpoint = endpoint
        self._sign_in = sign_in
        self._dispatcher = dispatcher
        self._limits = limits
        self._count_refused = count_refused
        self._metrics = metrics
        self._gone = gone
        self._deadline: Deadline | None = None
        self._patience = 0.0
        # With which code the last refusal of a `connect` would close the connection.
        self._refused: CloseCode | None = None
        self._signed_in = False
        self._signing_in: asyncio.Task[None] | None = None
        # Messages that came after a `connect` that is not answered yet.
        self._waiting: list[bytes | str] = []
        self._waiting_bytes = 0

    def expect_connect(self, timeout: float) -> None:
        """Close the connection unless `connect` succeeds within this many seconds."""
        self._patience = timeout
        self._deadline = Deadline(asyncio.get_running_loop(), timeout, self.too_late)

    def received(self, data: bytes | str) -> None:
        """Handle one message of the client."""
        if not self._member.open:
            return
        if self._signing_in is not None:
            self._keep(data)
            return
        match self._connection.receive(data, time.monotonic()):
            case Received(Connect() as command):
                # Reading stops meanwhile, so the number of waiting messages is bounded.
                self._endpoint.hold(True)
                self._signing_in = asyncio.get_running_loop().create_task(self._connect(command))
            case Received(command):
                self._dispatcher.submit(self._connection, self._member, command)
            case Answered(reply, _, code):
                self._metrics.commands.labels("refused", code).inc()
                if reply is not None:
                    self._member.send(reply)
            case Violation(code, message):
                log.info("connection.violation", connection=self._member.id, code=int(code), reason=message)
                self._member.close(code, reason=f"{code.reason}: {message}")

    def _keep(self, data: bytes | str) -> None:
        """Keep a message until the `connect` before it is answered.

        Reading has stopped, but one read may hold thousands of messages, and each unpacks to much more. Together they
        may be as large as one message of a client that is not connected.
        """
        limits = self._connection.limits
        size = len(data) if isinstance(data, bytes) else len(data.encode())
        self._waiting_bytes += size
        if size > limits.message_bytes:
            self._member.close(CloseCode.MESSAGE_TOO_LARGE)
        elif len(self._waiting) >= limits.commands_in_flight or self._waiting_bytes > limits.connect_bytes:
            self._member.close(CloseCode.FLOOD)
        else:
            self._waiting.append(data)

    def lagging(self, behind: bool) -> None:
        self._member.lag(behind)

    def over(self) -> None:
        self._member.end()

    def lost(self, code: int) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._gone(self._member, code, refused=self._refused is not None and not self._signed_in)

    def too_late(self) -> None:
        """Close the connection: the time for a successful `connect` is over."""
        if self._signed_in:
            return
        if self._signing_in is not None and self._patience:
            # The client has done its part in time, and the answer is this gateway's. It gets the same time once.
            self._deadline = Deadline(asyncio.get_running_loop(), self._patience, self.too_late)
            self._patience = 0.0
            return
        if self._refused is None and self._signing_in is None:
            self._member.close(CloseCode.PROTOCOL_ERROR)
        else:
            self._member.close(self._refused or CloseCode.BUS_LOST)

    async def _connect(self, command: Connect) -> None:
        member = self._member
        structlog.contextvars.bind_contextvars(connection=member.id)
        member.hold()
        try:
            result = await self._sign_in.connect(member, command.token, command.rooms)
        except Exception as raised:
            # Neither is the exception kept nor named: it has this frame, which would not be freed at once.
            self._refused = code = _close_code(raised)
            refusal = raised if isinstance(raised, KsmpError) else _internal()
            body = error_body(refusal)
            # A client that has gone meanwhile has shown no bad token.
            last = member.open and self._count_refused is not None and self._count_refused(refusal)
            del refusal
            self._answer(command, Failed(command.id or 0, body))
            self._metrics.connects.labels(body.code).inc()
            if last:
                member.close(code)
        else:
            self._signed_in = True
            # It holds the client's address, which is not needed any more.
            self._count_refused = None
            if self._deadline is not None:
                self._deadline.cancel()
            self._connection.connected(self._limits.of_connection(member.user.id))
            self._answer(command, Ok(command.id or 0, result))
            self._metrics.connects.labels("ok").inc()
            quick.info("connection.connected", connection=member.id, user=member.user.id, rooms=len(result.rooms))
        self._signing_in = None
        self._endpoint.hold(False)
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for data in waiting:
            self.received(data)

    def _answer(self, command: Connect, reply: Ok | Failed) -> None:
        self._connection.replied(command.id)
        self._member.release(reply if command.id is not None else None)


def _close_code(error: Exception) -> CloseCode:
    if isinstance(error, Refused):
        return error.close_code
    # It was not the client's fault. The code lets it reconnect by itself.
    return CloseCode.BUS_LOST


def _internal() -> KsmpError:
    trace = uuid.uuid4().hex
    log.exception("connect.failed", trace=trace)
    return KsmpError(Code.INTERNAL, f"internal error, trace {trace}")
