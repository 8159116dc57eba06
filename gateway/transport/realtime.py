"""`GET /realtime`: the handshake of a WebSocket connection, after which a `ConnectionSession` serves it."""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler

from gateway.auth.policy import otherwise
from gateway.protocol.codec import choose
from gateway.protocol.connection import ConnectionLimits, ServerConnection
from gateway.realtime.dispatch import Dispatcher
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.transport.connection_session import ConnectionSession
from gateway.transport.endpoint import EXTENSION, WebSocketEndpoint

log = structlog.get_logger(__name__)


class RealtimeHandler:
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
        """Accept one connection and hand it over to its session."""
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
        # From here on the session serves the connection. Nothing of the handshake is kept.
        endpoint.hand_over(session, high=settings.outbound_soft_bytes)

    def _gone(self, member: Member, code: int) -> None:
        """Clean up after a connection that has ended."""
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


async def _answer(socket: WebSocket[Any, Any, Any], status: int, reason: str) -> None:
    """Refuse the handshake with an HTTP status."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    # Litestar's types know this ASGI extension's messages by another name.
    start: Any = {"type": "websocket.http.response.start", "status": status, "headers": headers}
    body: Any = {"type": "websocket.http.response.body", "body": reason.encode()}
    await socket.send(start)
    await socket.send(body)
