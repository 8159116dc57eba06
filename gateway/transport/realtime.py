"""`GET /realtime`: reads one client's messages and hands its commands on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler

from gateway.auth.policy import otherwise
from gateway.errors import CloseCode, Code, KsmpError, Refused
from gateway.protocol.codec import choose
from gateway.protocol.connection import Answered, ConnectionLimits, Received, ServerConnection, Violation, error_body
from gateway.protocol.messages import Connect, Failed, Ok
from gateway.realtime.dispatch import Dispatcher
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.transport.endpoint import EXTENSION, WebSocketEndpoint

log = structlog.get_logger(__name__)


class RealtimeEndpoint:
    """Serves sockets for as long as the gateway is ready."""

    def __init__(self, hub: Hub, sign_in: SignIn, dispatcher: Dispatcher, settings: Settings, metrics: Metrics) -> None:
        self._hub = hub
        self._sign_in = sign_in
        self._dispatcher = dispatcher
        self._settings = settings
        self._metrics = metrics
        self.ready = False
        self._limits = ConnectionLimits(
            message_bytes=settings.message_bytes,
            connect_bytes=settings.connect_bytes,
            command_rate=settings.command_rate,
            command_burst=settings.command_burst,
            flood_factor=settings.flood_factor,
            commands_in_flight=settings.commands_in_flight,
        )

    def route(self) -> WebsocketRouteHandler:
        @websocket("/realtime", name="realtime", policy=otherwise("a token in its first command"))
        async def realtime(socket: WebSocket[Any, Any, Any]) -> None:
            await self.serve(socket)

        return realtime

    async def serve(self, socket: WebSocket[Any, Any, Any]) -> None:
        """One connection, from its handshake to its end."""
        if not await self._admitted(socket):
            return
        codec, subprotocol = choose(socket.scope["subprotocols"])
        await socket.accept(subprotocols=subprotocol)
        endpoint = (socket.scope.get("extensions") or {}).get(EXTENSION)
        if not isinstance(endpoint, WebSocketEndpoint):
            raise RuntimeError(
                "serve this application with gateway.server: its sockets need uvicorn's ws=WebSocketEndpoint"
            )
        settings = self._settings
        member = Member(
            uuid.uuid4().hex,
            websocket_encoder(codec, settings.compress_bytes if endpoint.takes_compressed else None),
            endpoint,
            soft=settings.outbound_soft_bytes,
            hard=settings.outbound_hard_bytes,
            spread=settings.reconnect_least,
        )
        endpoint.on_close = member.close
        self._hub.members[member.id] = member
        self._metrics.connections.inc()
        connection = ServerConnection(codec, self._limits)
        session = ConnectionSession(
            connection, member, endpoint, self._sign_in, self._dispatcher, self._metrics, self._gone
        )
        session.expect_connect(settings.connect_timeout)
        # From here on the connection is served as its messages come; nothing of the handshake is kept for it.
        endpoint.hand_over(session, high=settings.outbound_soft_bytes)

    def _gone(self, member: Member, code: int) -> None:
        """A connection has ended."""
        del self._hub.members[member.id]
        self._sign_in.gone(member)
        self._metrics.connections.dec()
        code = member.closed or code
        self._metrics.closes.labels(str(int(code)) if 1000 <= code < 5000 else "other").inc()
        user = member.principal.id if member.principal else None
        log.info("connection.closed", connection=member.id, code=int(code), user=user)

    async def _admitted(self, socket: WebSocket[Any, Any, Any]) -> bool:
        origin = socket.headers.get("origin")
        if origin is not None and origin not in self._settings.allowed_origins:
            log.info("connection.refused", origin=origin[:200])
            await _answer(socket, 403, "origin not allowed")
            return False
        if not self.ready:
            await _answer(socket, 503, "not ready")
            return False
        return True


class ConnectionSession:
    """One connection while it is served; implements `gateway.transport.endpoint.Receiver`."""

    __slots__ = (
        "_connection",
        "_deadline",
        "_dispatcher",
        "_endpoint",
        "_gone",
        "_member",
        "_metrics",
        "_refused",
        "_sign_in",
        "_signed_in",
        "_signing_in",
        "_waiting",
    )

    def __init__(
        self,
        connection: ServerConnection,
        member: Member,
        endpoint: WebSocketEndpoint,
        sign_in: SignIn,
        dispatcher: Dispatcher,
        metrics: Metrics,
        gone: Callable[[Member, int], None],
    ) -> None:
        self._connection = connection
        self._member = member
        self._endpoint = endpoint
        self._sign_in = sign_in
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._gone = gone
        self._deadline: asyncio.TimerHandle | None = None
        self._refused: KsmpError | None = None
        self._signed_in = False
        self._signing_in: asyncio.Task[None] | None = None
        # What came behind a `connect` that is not answered yet.
        self._waiting: list[bytes | str] = []

    def expect_connect(self, timeout: float) -> None:
        """Give the client this many seconds for a successful `connect`."""
        self._deadline = asyncio.get_running_loop().call_later(timeout, self.too_late)

    def received(self, data: bytes | str) -> None:
        """Act on one message of the client."""
        if not self._member.open:
            return
        if self._signing_in is not None:
            if len(self._waiting) < self._connection.limits.commands_in_flight:
                self._waiting.append(data)
            else:
                # Of one read there may be thousands, each of which unpacks to much more.
                self._member.close(CloseCode.FLOOD)
            return
        match self._connection.receive(data, time.monotonic()):
            case Received(Connect() as command):
                # Nothing more is read meanwhile, so that what waits is bounded.
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

    def lagging(self, behind: bool) -> None:
        self._member.lag(behind)

    def over(self) -> None:
        self._member.end()

    def lost(self, code: int) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._gone(self._member, code)

    def too_late(self) -> None:
        """The time for a successful `connect` is over."""
        if self._signed_in:
            return
        if self._refused is None and self._signing_in is None:
            self._member.close(CloseCode.PROTOCOL_ERROR)
        elif isinstance(self._refused, Refused):
            self._member.close(self._refused.close_code)
        else:
            # It was not the client's fault, so it may come back by itself.
            self._member.close(CloseCode.BUS_LOST)

    async def _connect(self, command: Connect) -> None:
        member = self._member
        structlog.contextvars.bind_contextvars(connection=member.id)
        member.hold()
        try:
            result = await self._sign_in.connect(member, command.token, command.rooms)
        except Exception as raised:
            error = raised if isinstance(raised, KsmpError) else _internal()
            self._refused = error
            self._answer(command, Failed(command.id or 0, error_body(error)))
            self._metrics.connects.labels(error.code).inc()
        else:
            self._signed_in = True
            if self._deadline is not None:
                self._deadline.cancel()
            self._connection.connected()
            self._answer(command, Ok(command.id or 0, result))
            self._metrics.connects.labels("ok").inc()
            log.info("connection.connected", user=member.user.id, rooms=len(result.rooms))
        self._signing_in = None
        self._endpoint.hold(False)
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.received(data)

    def _answer(self, command: Connect, reply: Ok | Failed) -> None:
        self._connection.replied(command.id)
        self._member.release(reply if command.id is not None else None)


def _internal() -> KsmpError:
    trace = uuid.uuid4().hex
    log.exception("connect.failed", trace=trace)
    return KsmpError(Code.INTERNAL, f"internal error, trace {trace}")


async def _answer(socket: WebSocket[Any, Any, Any], status: int, reason: str) -> None:
    """Refuse the handshake with an HTTP status."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    # Litestar's types know this ASGI extension's messages by another name.
    start: Any = {"type": "websocket.http.response.start", "status": status, "headers": headers}
    body: Any = {"type": "websocket.http.response.body", "body": reason.encode()}
    await socket.send(start)
    await socket.send(body)
