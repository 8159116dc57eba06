"""`GET /realtime/sse` and `POST /api/v1/rooms/{room}/commands`: rooms without a WebSocket."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any, Final

import structlog
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response, Stream

from gateway.bus.log import RoomLog
from gateway.errors import BadInput, Code, Limited, Refused, Unavailable, invalid
from gateway.principal import Principal
from gateway.protocol.bucket import Bucket
from gateway.protocol.codec import JSON, DecodeError
from gateway.protocol.connection import convert
from gateway.protocol.messages import Position, Push
from gateway.protocol.names import MAX_ID, room_name
from gateway.realtime.grants import Grants
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.runner import CommandRunner, Place
from gateway.realtime.sign_in import SignIn
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.transport.sse import EventStream, event_encoding

log = structlog.get_logger(__name__)

# Users whose limits are remembered; the least recent goes.
KEPT: Final = 10_000
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Fallback:
    """Who may use it: any signed-in user, in rooms whose owner lets them in."""

    def __init__(
        self,
        hub: Hub,
        room_log: RoomLog,
        sign_in: SignIn,
        grants: Grants,
        runner: CommandRunner,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._sign_in = sign_in
        self._grants = grants
        self._runner = runner
        self._settings = settings
        self._metrics = metrics
        self._used: OrderedDict[str, tuple[Bucket, dict[str, Bucket]]] = OrderedDict()
        self.ready = False

    def routes(self) -> list[HTTPRouteHandler]:
        @get("/realtime/sse", media_type="text/event-stream", tags=["realtime"])
        async def events(request: Request[Any, Any, Any]) -> Stream:
            """The pushes of the rooms named by `room` (repeatable), and of those the server joins by itself.

            `since=<room>|<epoch>|<seq>` (repeatable) or `Last-Event-ID` recovers. The first event of a room is
            `joined`, with the result of the join or its error.
            """
            return await self.stream(request)

        @post("/api/v1/rooms/{room:str}/commands", status_code=200, tags=["realtime"])
        async def commands(room: str, request: Request[Any, Any, Any]) -> Response[bytes]:
            """One command of a connection: `{"cmd", "nonce"?, "data"?}`; answers what the ok of its reply carries."""
            return await self.command(room, request)

        return [events, commands]

    async def stream(self, request: Request[Any, Any, Any]) -> Stream:
        """Raises Refused, BadInput `invalid` or Unavailable before anything is sent."""
        self._check_ready()
        rooms = _wanted(request)
        settings = self._settings
        sink = EventStream(settings.sse_heartbeat)
        member = Member(
            uuid.uuid4().hex,
            event_encoding(self._log.epoch),
            sink,
            soft=settings.outbound_soft_bytes,
            hard=settings.outbound_hard_bytes,
            spread=settings.reconnect_spread,
        )
        member.hold()
        self._hub.members[member.id] = member
        try:
            result = await self._sign_in.connect(member, _token(request), rooms)
        except BaseException:
            self._gone(member)
            raise
        for name, joined in result.rooms.items():
            member.first(Push(push="joined", room=name, data=joined))
        member.release(None)
        self._metrics.connections.inc()
        log.info("stream.opened", connection=member.id, user=member.user.id, rooms=len(result.rooms))
        return Stream(self._until_gone(member, sink), media_type="text/event-stream", headers=HEADERS)

    async def command(self, room: str, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Raises what the command raises: KsmpErrors."""
        self._check_ready()
        principal = await self._sign_in.verified(_token(request))
        rates = self._check_rate(principal)
        body = await request.body()
        if len(body) > self._settings.message_bytes:
            raise BadInput(Code.TOO_LARGE, f"a command is at most {self._settings.message_bytes} bytes")
        command = _command(body, room)
        started = time.perf_counter()
        name = self._runner.check(command)
        async with self._hub.using(name) as served:
            ok = self._runner.repeated(principal, command)
            if ok is None:
                role = await self._grants.role(principal, name)
                ok = await self._runner.run(Place(principal, served, role, rates, JSON), command)
        label = self._runner.label(command.cmd)
        self._metrics.commands.labels(label, "ok").inc()
        self._metrics.command_seconds.labels(label).observe(time.perf_counter() - started)
        return Response(JSON.encode(ok), media_type="application/json")

    async def _until_gone(self, member: Member, sink: EventStream) -> AsyncIterator[bytes]:
        try:
            async for chunk in sink.chunks():
                yield chunk
        finally:
            self._metrics.connections.dec()
            self._gone(member)
            log.info("stream.closed", connection=member.id, code=int(member.closed or 0))

    def _gone(self, member: Member) -> None:
        member.gone = True
        self._hub.members.pop(member.id, None)
        self._sign_in.gone(member)

    def _check_ready(self) -> None:
        if not self.ready:
            raise Unavailable("the gateway is not ready")

    def _check_rate(self, principal: Principal) -> dict[str, Bucket]:
        """The limits of one connection, for all of a user's requests to this node."""
        settings = self._settings
        bucket, rates = self._used.setdefault(principal.id, (Bucket(settings.command_rate, settings.command_burst), {}))
        self._used.move_to_end(principal.id)
        while len(self._used) > KEPT:
            self._used.popitem(last=False)
        wait = bucket.take(time.monotonic())
        if wait > 0.0:
            raise Limited("too many commands", retry_after=round(wait, 3))
        return rates


def _token(request: Request[Any, Any, Any]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token> is missing")
    return token.strip()


def _wanted(request: Request[Any, Any, Any]) -> dict[str, Position | None]:
    """The rooms of a stream, with the positions to go on from."""
    rooms: dict[str, Position | None] = {}
    for name in request.query_params.getall("room", []):
        rooms[str(room_name(name))] = None
    marks = list(request.query_params.getall("since", []))
    if last := request.headers.get("last-event-id"):
        marks.append(last)
    for mark in marks:
        room, _, place = mark.partition("|")
        epoch, _, seq = place.partition("|")
        if not epoch or len(epoch) > 64 or not seq.isascii() or not seq.isdigit() or int(seq) > MAX_ID:
            raise invalid("since and Last-Event-ID must be <room>|<epoch>|<seq>")
        rooms[str(room_name(room))] = Position(epoch, int(seq))
    return rooms


def _command(body: bytes, room: str) -> Any:
    try:
        value = JSON.decode(body)
    except DecodeError as error:
        raise invalid(str(error)) from None
    if not isinstance(value, dict) or not isinstance(value.get("cmd"), str):
        raise invalid("the body must be an object with a cmd")
    return convert({**value, "room": room, "id": None}, value["cmd"])
