"""`GET /realtime`: opens a connection after its handshake, and hands it to a `ConnectionSession`."""

from __future__ import annotations

import uuid
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NoReturn

from litestar import Request, get
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from gateway.auth.policy import otherwise
from gateway.protocol.codec import Codec
from gateway.protocol.connection import ConnectionLimits, ServerConnection
from gateway.realtime.dispatch import Dispatcher
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.realtime.user_limits import UserLimits
from gateway.settings import Settings
from gateway.telemetry import logs
from gateway.telemetry.metrics import Metrics
from gateway.transport.connection_session import ConnectionSession
from gateway.transport.endpoint import WebSocketEndpoint
from gateway.transport.handshake import Refused
from gateway.transport.refused_connects import RefusedConnects

PATH: Final = "/realtime"
log = logs.QuickLog(__name__)


class RealtimeHandler:
    """Serves sockets for as long as the gateway is ready; implements `gateway.transport.http.Sockets`."""

    path = PATH

    def __init__(
        self,
        hub: Hub,
        sign_in: SignIn,
        dispatcher: Dispatcher,
        limits: UserLimits,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._sign_in = sign_in
        self._dispatcher = dispatcher
        self._user_limits = limits
        self._settings = settings
        self._metrics = metrics
        self.ready = False
        self._refused_connects = RefusedConnects(settings)
        self._limits = ConnectionLimits(
            message_bytes=settings.message_bytes,
            connect_bytes=settings.connect_bytes,
            command_rate=settings.command_rate,
            command_burst=settings.command_burst,
            flood_factor=settings.flood_factor,
            commands_in_flight=settings.commands_in_flight,
        )

    def route(self) -> HTTPRouteHandler:
        """Answers requests that are no handshake. The others do not come so far."""

        @get(PATH, name="realtime", policy=otherwise("a token in its first command"), include_in_schema=False)
        async def realtime(request: Request[Any, Any, Any]) -> NoReturn:
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            raise HTTPException("this is a WebSocket", status_code=HTTPStatus.UPGRADE_REQUIRED, headers=headers)

        return realtime

    def admit(self, origin: str | None) -> None:
        """Raises Refused when no connection from this origin is taken now."""
        if origin is not None and origin not in self._settings.allowed_origins:
            raise Refused(HTTPStatus.FORBIDDEN, "origin not allowed")
        if not self.ready:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not ready")

    def serve(self, endpoint: WebSocketEndpoint, codec: Codec, host: str) -> None:
        """Serve a connection of a client at this address, whose handshake is answered."""
        settings = self._settings
        member = Member(
            uuid.uuid4().hex,
            websocket_encoder(codec, settings.compress_bytes if endpoint.takes_compressed else None),  # type: ignore[arg-type]
            endpoint,
            soft=settings.outbound_soft_bytes,
            hard=settings.outbound_hard_bytes,
            spread=settings.reconnect_least,
        )
        endpoint.on_close = member.close
        self._hub.members[member.id] = member
        self._metrics.connections.inc()
        session = ConnectionSession(
            ServerConnection(codec, self._limits),
            member,
            endpoint,
            self._sign_in,
            self._dispatcher,
            self._user_limits,
            partial(self._refused_connects.count, host=host),
            self._metrics,
            self._gone,
        )
        session.expect_connect(settings.connect_timeout)
        endpoint.open(session)

    def _gone(self, member: Member, code: int, *, refused: bool) -> None:
        """Clean up after a connection that has ended. Of one that was `refused`, another log line tells."""
        del self._hub.members[member.id]
        self._sign_in.gone(member)
        self._metrics.connections.dec()
        code = member.closed or code
        self._metrics.closes.labels(str(int(code)) if 1000 <= code < 5000 else "other").inc()
        if refused:
            return
        user = member.principal.id if member.principal else None
        log.info("connection.closed", connection=member.id, code=int(code), user=user)
