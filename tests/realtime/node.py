"""A gateway's rooms without its HTTP server: several of them fit into one test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from gateway.bus.connection import NatsBus
from gateway.bus.log import RoomLog
from gateway.contract import CommandSpec, Context, Granted, PushType, RoomKind
from gateway.db.archive import PostgresArchive
from gateway.db.database import PostgresDatabase
from gateway.events.outbox import Outbox
from gateway.events.runtime import EventRuntime
from gateway.events.streams import EventStreams
from gateway.principal import Principal, Role
from gateway.protocol.codec import JSON
from gateway.protocol.messages import JoinResult, Position, Push
from gateway.protocol.names import room_name
from gateway.realtime.cluster_state import ClusterState
from gateway.realtime.evictions import Evictions
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.grants import Grants
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.joining import Joiner
from gateway.realtime.member import Member
from gateway.realtime.occupancy import Occupancy
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.revocations import Revocations
from gateway.realtime.rooms import ClusterRooms
from gateway.realtime.snapshots import Snapshots
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from ksmp_testkit.blocking import WATCH

ONLY_WHEN_ASKED = 3600.0


class Text(msgspec.Struct):
    text: str


async def nothing(context: Context, request: Text) -> None:
    return None


COMMANDS = {
    name: CommandSpec(name=name, rooms={"test": "member"}, request=Text, handler=nothing)
    for name in ("test.say", "test.ask")
}


class Gone(msgspec.Struct):
    seq: int


SAID = PushType("test.said", Text, is_message=True)
GONE = PushType("test.gone", Gone)
RESAID = PushType("test.resaid", Text, is_message=True)
WAVED = PushType("test.waved", Text)
SWEPT = PushType("test.swept", Text)
PUSHES: dict[str, PushType[Any]] = {push.name: push for push in (SAID, GONE, RESAID, WAVED, SWEPT)}


class Transcript:
    """A sink that keeps the messages that were written to it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.fast_write = None

    def write(self, data: bytes) -> None:
        while data:
            size, head = data[1], 2
            if size == 126:
                size, head = int.from_bytes(data[2:4]), 4
            elif size == 127:
                size, head = int.from_bytes(data[2:10]), 10
            self.messages.append(msgspec.json.decode(data[head : head + size]))
            data = data[head + size :]

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str) -> None:
        self.closed = code


class Viewer:
    """A member of rooms on one node, with every push that it was sent."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.sink = Transcript()
        encoder = websocket_encoder(JSON, None)
        self.member = Member(uuid.uuid4().hex, encoder, self.sink, soft=1 << 20, hard=1 << 24, spread=1.0)
        self.member.principal = Principal(id=name, name=name, role=Role.STUDENT, expires_at=2**50)
        self.result: JoinResult | None = None
        self.shown: list[tuple[int, int]] = []

    async def join(self, room: str, since: Position | None = None, history: int | None = None) -> JoinResult:
        self.result, _ = await self.node.joiner.join(self.member, room_name(room), since, history)
        # Forget the pushes from before a rejoin.
        self.sink.messages.clear()
        return self.result

    @property
    def texts(self) -> list[str]:
        """The texts of the durable pushes since the join, replayed and live."""
        assert self.result is not None
        replayed = [msgspec.json.decode(bytes(push.data))["text"] for push in self.result.messages if _text(push)]
        return replayed + [message["data"]["text"] for message in self.pushes if "text" in message["data"]]

    @property
    def pushes(self) -> list[dict[str, Any]]:
        return [message for message in self.sink.messages if "seq" in message]


def _text(push: Push) -> bool:
    return b'"text"' in bytes(push.data)


class Node:
    """One node on a NATS server. It reads heads only when a test asks, unless `head_interval` is given."""

    def __init__(self, nats_urls: Sequence[str], database_url: str, *, archived: Sequence[str] = (), **changes: Any):
        self.settings = Settings(
            environment="test",
            database_url=database_url,
            nats_url=tuple(nats_urls),
            issuer="test",
            jwks_url="https://issuer.test/jwks.json",
            client_ids=("test",),
            # On a busy machine answers come late.
            **{"head_interval": ONLY_WHEN_ASKED, "grant_wait": 1.0, **changes},
        )
        settings = self.settings
        kinds = {
            "test": RoomKind(
                name="test",
                roles=("member",),
                authorize=self._authorize,
                archived=bool(archived),
                presence=True,
                on_join=lambda principal, id, role: self.watched.append(("join", principal.id, id, role)),
                on_leave=lambda principal, id, role: self.watched.append(("leave", principal.id, id, role)),
            )
        }
        self.kinds = kinds
        # The answer of the rooms' owner: a role, or an error.
        self.owner: str | Granted | Exception = "member"
        # The calls of the owner's hooks.
        self.watched: list[tuple[str, str, str, str]] = []
        self.metrics = Metrics(CollectorRegistry())
        self.bus = NatsBus(settings.nats_url, "test")
        self.log = RoomLog(self.bus, replicas=1, retention=settings.retention, publish_timeout=settings.publish_timeout)
        self.database = PostgresDatabase(database_url, pool=4, timeout=5.0)
        self.archive = PostgresArchive(self.database)
        self.history = HistoryReader(self.log, self.archive, archived, settings.recovery_bytes)
        self.hub = Hub(self.bus, self.log, self.history, kinds, settings, self.metrics, self._first_sequence)
        outbox = Outbox(self.database, limit=settings.event_bytes)
        self.cluster_state = ClusterState(self.hub, self.log, self.database, outbox, interval=settings.fact_interval)
        self.restrictions = Restrictions(self.cluster_state, self.hub, kinds, COMMANDS)
        self.evictions = Evictions(self.cluster_state, self.hub)
        self.access = Revocations(
            self.cluster_state, self.hub, token_life=settings.token_life, leeway=settings.token_leeway
        )
        self.grants = Grants(
            kinds,
            self.bus,
            self.evictions,
            fresh=settings.grant_fresh,
            stale=settings.grant_stale,
            wait=settings.grant_wait,
        )
        self.joiner = Joiner(self.hub, self.log, self.grants, self.evictions, self.restrictions, settings, self.metrics)
        self.occupancy = Occupancy(self.bus, self.hub)
        self.rooms = ClusterRooms(
            self.hub,
            self.log,
            self.archive,
            archived,
            self.restrictions,
            self.evictions,
            self.metrics,
            outbox,
            Snapshots(self.hub, self.log, {}, self.metrics, interval=settings.snapshot_interval),
            PUSHES,
            self.occupancy,
        )
        self.event_runtime = EventRuntime(
            self.bus,
            EventStreams.of(self.bus, settings),
            self.database,
            self.rooms.send,
            {},
            {},
            {},
            {},
            settings,
            self.metrics,
        )
        self._names = itertools.count(1)
        self._archived = archived

    async def viewer(self, room: str, *, user: str | None = None, **how: Any) -> Viewer:
        viewer = Viewer(self, user or f"v{next(self._names)}")
        self.hub.members[viewer.member.id] = viewer.member
        await viewer.join(room, **how)
        return viewer

    async def say(self, room: str, *texts: str, id: str | None = None) -> int:
        """Publish texts to a room; the seq of the last."""
        seq = 0
        for text in texts:
            seq = (await self.rooms.publish(room, SAID, Text(text), message_id=id)).seq
        return seq

    async def unsay(self, room: str, seq: int) -> int:
        """Publish the tombstone of a message."""
        target = await self.rooms.read(room, seq)
        assert target is not None
        return (await self.rooms.publish(room, GONE, Gone(seq), erases=[target])).seq

    def position(self, seq: int) -> Position:
        return Position(self.log.epoch, seq)

    async def resay(self, room: str, seq: int, text: str) -> int:
        """Publish a later version of a message."""
        first = await self.rooms.read(room, seq)
        assert first is not None
        return (await self.rooms.publish(room, RESAID, Text(text), replaces=first)).seq

    @property
    def gaps(self) -> float:
        return self.metrics.gaps._value.get()

    async def _authorize(self, principal: Principal, id: str) -> str | Granted:
        if isinstance(self.owner, Exception):
            raise self.owner
        return self.owner

    async def _first_sequence(self) -> int:
        return await self.archive.last() + 1 if self._archived else 1


@contextlib.asynccontextmanager
async def node(
    nats_urls: Sequence[str],
    database_url: str = "postgresql://nowhere",
    *,
    moderated: bool = False,
    relay: bool = True,
    **how: Any,
) -> AsyncIterator[Node]:
    """A `moderated` node has the cluster state, which needs a database. With `relay` it also runs the relay."""
    # Piccolo's engine blocks when it is made. A gateway makes it before its event loop runs.
    running = await asyncio.to_thread(Node, nats_urls, database_url, **how)
    await running.bus.connect()
    if how.get("archived") or moderated:
        await running.database.start()
    await running.log.start(running._first_sequence)
    await running.hub.start()
    if moderated:
        await running.cluster_state.start()
        if relay:
            running.event_runtime.start()
    await running.grants.start()
    try:
        with WATCH.running():
            yield running
    finally:
        await running.event_runtime.stop()
        await running.cluster_state.stop()
        await running.hub.stop()
        await running.bus.close()
        await running.database.stop()
