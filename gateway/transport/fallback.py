"""`GET /realtime/sse` and `POST /api/v1/rooms/{room}/commands`: rooms without a WebSocket."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import structlog
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response, Stream

from gateway.auth.policy import signed_in
from gateway.bus.log import RoomLog
from gateway.errors import BadInput, Code, Refused, Unavailable, invalid
from gateway.principal import Principal
from gateway.protocol.codec import JSON, DecodeError
from gateway.protocol.connection import convert
from gateway.protocol.messages import CORE_COMMANDS, Command, Position, Push
from gateway.protocol.names import MAX_ID, room_name
from gateway.realtime.command_executor import CommandExecutor
from gateway.realtime.grants import Grants
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.sign_in import SignIn
from gateway.realtime.user_limits import UserLimits
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.transport.http import LAST_MOMENT, LastMoment
from gateway.transport.openapi import CommandOperation, EventsOperation, RoomParameter
from gateway.transport.request_source import RequestSource
from gateway.transport.sse import EventStream, EventStreamResponse, event_encoder

log = structlog.get_logger(__name__)

# The core commands that are used in a room. The others belong to a connection.
IN_ROOMS: Final = ("history", "presence", "typing")
DIGITS: Final = len(str(MAX_ID))
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Fallback:
    """The two routes. Any signed-in user may use them, in rooms whose owner lets that user in."""

    def __init__(
        self,
        hub: Hub,
        room_log: RoomLog,
        sign_in: SignIn,
        grants: Grants,
        executor: CommandExecutor,
        limits: UserLimits,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._sign_in = sign_in
        self._grants = grants
        self._executor = executor
        self._settings = settings
        self._metrics = metrics
        self._limits = limits
        self.ready = False

    def routes(self) -> list[HTTPRouteHandler]:
        @get(
            "/realtime/sse",
            policy=signed_in(owner="the rooms' owners let them in"),
            media_type="text/event-stream",
            tags=["realtime"],
            operation_class=EventsOperation,
            # Compression would delay events. Events are encoded once for all streams.
            uncompressed=True,
        )
        async def events(request: Request[Any, Any, Any]) -> Stream:
            """The pushes of the rooms named by `room` (repeatable), and of those the server joins by itself.

            `since=<room>|<epoch>|<seq>` (repeatable) or `Last-Event-ID` recovers. The first event of a room is
            `joined`, with the result of the join or its error.
            """
            return await self.stream(request)

        @post(
            "/api/v1/rooms/{room:str}/commands",
            policy=signed_in(owner="the room's owner lets them in"),
            status_code=200,
            tags=["realtime"],
            operation_class=CommandOperation,
            request_max_body_size=self._settings.message_bytes,
        )
        async def commands(
            room: RoomParameter,
            request: Request[Any, Any, Any],
            principal: NamedDependency[Principal],
        ) -> Response[bytes]:
            """One command of a connection: `{"cmd", "nonce"?, "data"?}`; answers what the ok of its reply carries."""
            return await self.command(room, request, principal)

        return [events, commands]

    async def stream(self, request: Request[Any, Any, Any]) -> Stream:
        """Raises Refused, BadInput `invalid` or Unavailable before anything is sent."""
        self._check_ready()
        rooms = _wanted(request)
        settings = self._settings
        sink = EventStream(settings.sse_heartbeat)
        member = Member(
            uuid.uuid4().hex,
            event_encoder(self._log.epoch),
            sink,
            soft=settings.outbound_soft_bytes,
            hard=settings.outbound_hard_bytes,
            spread=settings.reconnect_least,
        )
        extensions: dict[str, Any] = request.scope.get("extensions") or {}
        last_moment: LastMoment | None = extensions.get(LAST_MOMENT)

        def on_close() -> None:
            # A client that does not read leaves its rooms at once. Its connection ends a moment later.
            self._gone(member, sink)
            if last_moment is not None:
                last_moment()

        sink.on_close = on_close
        member.hold()
        self._hub.members[member.id] = member
        self._metrics.connections.inc()
        try:
            result = await self._sign_in.connect(member, _token(request), rooms)
        except BaseException as error:
            closed = member.closed
            self._gone(member, sink)
            if isinstance(error, Refused) and closed is not None:
                raise Unavailable(closed.reason) from None
            raise
        for name, joined in result.rooms.items():
            member.first(Push(push="joined", room=name, data=joined))
        member.release(None)
        log.info("stream.opened", connection=member.id, user=member.user.id, rooms=len(result.rooms))
        return EventStreamResponse(sink, self._until_gone(member, sink), HEADERS)

    async def command(self, room: str, request: Request[Any, Any, Any], principal: Principal) -> Response[bytes]:
        """Raises what the command raises: KsmpErrors."""
        self._check_ready()
        self._limits.count_request(principal.id)
        command = _command(await request.body(), room)
        source = RequestSource(principal, self._hub, self._grants)
        ok = await self._executor.execute(source, command)
        return Response(JSON.encode(ok), media_type="application/json")

    async def _until_gone(self, member: Member, sink: EventStream) -> AsyncIterator[bytes]:
        try:
            async for chunk in sink.chunks():
                yield chunk
        finally:
            self._gone(member, sink)
            log.info("stream.closed", connection=member.id, code=int(member.closed or 0))

    def _gone(self, member: Member, sink: EventStream) -> None:
        if self._hub.members.pop(member.id, None) is not None:
            member.end()
            self._sign_in.gone(member)
            self._metrics.connections.dec()
            # The stream would keep the member, which has the stream.
            sink.on_close = _nothing

    def _check_ready(self) -> None:
        if not self.ready:
            raise Unavailable("the gateway is not ready")


def _nothing() -> None:
    pass


def _token(request: Request[Any, Any, Any]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token> is missing")
    return token.strip()


def _wanted(request: Request[Any, Any, Any]) -> dict[str, Position | None]:
    """The rooms that a stream asks for, with the positions to continue from."""
    rooms: dict[str, Position | None] = {}
    for name in request.query_params.getall("room", []):
        rooms[str(room_name(name))] = None
    marks = list(request.query_params.getall("since", []))
    if last := request.headers.get("last-event-id"):
        marks.append(last)
    for mark in marks:
        room, _, place = mark.partition("|")
        epoch, _, seq = place.partition("|")
        # A number too long for any sequence is not even read: Python refuses to read thousands of digits.
        good = seq.isascii() and seq.isdigit() and len(seq) <= DIGITS and int(seq) <= MAX_ID
        if not epoch or len(epoch) > 64 or not good:
            raise invalid("since and Last-Event-ID must be <room>|<epoch>|<seq>")
        rooms[str(room_name(room))] = Position(epoch, int(seq))
    return rooms


def _command(body: bytes, room: str) -> Command:
    try:
        value = JSON.decode(body)
    except DecodeError as error:
        raise invalid(str(error)) from None
    if not isinstance(value, dict) or not isinstance(value.get("cmd"), str):
        raise invalid("the body must be an object with a cmd")
    cmd = value["cmd"]
    if cmd in CORE_COMMANDS and cmd not in IN_ROOMS:
        raise BadInput(Code.UNKNOWN_COMMAND, f"a command of a connection, not of a room: {cmd}")
    if value.get("room", room) != room:
        raise invalid("the body names another room than the path")
    return convert({**value, "room": room, "id": None}, cmd)
