"""The hub: all rooms that this node serves, kept in step with the log.

A message may be lost on its way from the log. The next message of the room reveals it, or a poke from the publisher.
The hub also reads the heads of all rooms every few seconds, and after every reconnect.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog
from nats.aio.msg import Msg

from gateway import clock, failpoint
from gateway.backoff import Backoff
from gateway.bus import log_record
from gateway.bus.connection import NatsBus
from gateway.bus.inline_subscription import InlineSubscription
from gateway.bus.log import DUPLICATE_WINDOW, FirstSequence, RoomLog
from gateway.contract.room_kind import RoomKind
from gateway.errors import CloseCode, Code, KsmpError, Unavailable
from gateway.protocol.messages import Left, Push
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.backfill import Backfill
from gateway.realtime.dedup_window import DedupWindow
from gateway.realtime.drain import send_away, window
from gateway.realtime.fanout import Batch, Fanout, Schedule, Written
from gateway.realtime.history import HistoryReader
from gateway.realtime.member import Member
from gateway.realtime.presence import ReplicaRequest, RoomPresence
from gateway.realtime.presence_sync import PresenceSync
from gateway.realtime.room import Room
from gateway.realtime.tail import Tail
from gateway.realtime.typing import RoomTyping
from gateway.settings import Settings
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Open:
    """A room that is open, or is being opened."""

    # Set once it is open. Until then `waiting` ends with the room, or with why it was not opened.
    room: Room | None = None
    waiting: asyncio.Future[Room] | None = None
    # What came before the room was open.
    held: list[tuple[StoredPush, int]] | None = None
    subscriptions: tuple[InlineSubscription, ...] = ()
    pins: int = 0
    idle_since: float = 0.0
    reader: asyncio.Task[None] | None = None
    # NATS took a subscription back that it had accepted.
    refused: bool = False


class _Using:
    """Keeps a room open. A class, and no generator: each connection enters one for each of its rooms."""

    __slots__ = ("_opened",)

    def __init__(self, opened: _Open) -> None:
        self._opened = opened

    async def __aenter__(self) -> Room:
        opened = self._opened
        opened.pins += 1
        if opened.room is not None:
            return opened.room
        try:
            assert opened.waiting is not None
            # Others wait for it too.
            return await asyncio.shield(opened.waiting)
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        self._opened.pins -= 1
        self._opened.idle_since = time.monotonic()


class Hub:
    """The rooms of this node. A room is opened for its first user, and closed some time after the last one left."""

    def __init__(
        self,
        bus: NatsBus,
        room_log: RoomLog,
        history: HistoryReader,
        kinds: Mapping[str, RoomKind],
        settings: Settings,
        metrics: Metrics,
        first_sequence: FirstSequence,
    ) -> None:
        self._bus = bus
        self._log = room_log
        self.backfill = Backfill(room_log, history, self._catch_up, settings)
        self._kinds = kinds
        self._settings = settings
        self._metrics = metrics
        self._first_sequence = first_sequence
        self._rooms: dict[str, _Open] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: asyncio.TimerHandle | None = None
        # Each room holds these two, so they are made once.
        self._schedule: Schedule | None = None
        self._written: Written = self._on_batch_written
        self._durable_pushes = metrics.pushes.labels("durable")
        self._ephemeral_pushes = metrics.pushes.labels("ephemeral")
        self.members: dict[str, Member] = {}
        # New for each process, so that a restarted node is not taken for its predecessor.
        self.node = uuid.uuid4().hex
        self._presence_sync = PresenceSync(bus, self.node, self.rooms, digest=settings.presence_silence / 3)

    async def start(self) -> None:
        await self._bus.subscribe(f"{log_record.POKE}>", self._on_poke)
        self._bus.on_lost(self._bus_lost)
        self._bus.on_back(self._bus_back)
        self._spawn(self._watch())
        self._spawn(self._presence_sync.run())

    async def stop(self) -> None:
        await end(list(self._tasks))
        for opened in self._rooms.values():
            if opened.waiting is not None and not opened.waiting.done():
                opened.waiting.set_exception(Unavailable("the node is going away"))
                opened.waiting.exception()
        if self._lost is not None:
            self._lost.cancel()

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of rooms that modules own."""
        return self._kinds.keys()

    def room(self, name: str) -> Room | None:
        """The room, when it is open on this node."""
        found = self._rooms.get(name)
        return found.room if found is not None else None

    def rooms(self) -> list[Room]:
        return [found.room for found in self._rooms.values() if found.room is not None]

    def using(self, name: RoomName) -> _Using:
        """The room, opened when needed, and kept open inside the block; entering it raises Unavailable."""
        text = str(name)
        found = self._rooms.get(text)
        if found is None:
            found = self._rooms[text] = _Open(waiting=asyncio.get_running_loop().create_future())
            self._spawn(self._open(name, found))
        return _Using(found)

    async def emit(self, name: RoomName, message: Push) -> None:
        """Send an ephemeral push to the room's members on every node; raises Unavailable."""
        body = msgspec.json.encode(message)
        # It goes to the subject that the log republishes to. It has no sequence, which tells it apart.
        await self._bus.publish(log_record.subject(log_record.OUT, name), body)

    async def poke(self, name: RoomName, seq: int) -> None:
        """Tell every node that the room's log has reached `seq`, in case the republished message was lost."""
        with contextlib.suppress(Unavailable):
            await self._bus.publish(log_record.subject(log_record.POKE, name), str(seq).encode())

    async def drain(self) -> None:
        """Send all clients to the other nodes. Presence shows them until they had the time to reconnect."""
        seconds = self._window()
        await self._presence_sync.depart(seconds + self._settings.presence_grace)
        await send_away(self.members.values(), CloseCode.DRAIN, seconds)

    def close_all(self, code: CloseCode) -> None:
        self._spawn(send_away(self.members.values(), code, self._window()))

    def _window(self) -> float:
        settings = self._settings
        return window(
            len(self.members),
            rate=settings.reconnect_rate,
            least=settings.reconnect_least,
            most=settings.reconnect_most,
        )

    async def _open(self, name: RoomName, opened: _Open) -> None:
        try:
            room = await self._follow(name, opened)
        except Exception as error:
            await self._forget(str(name), opened)
            if opened.waiting is not None and not opened.waiting.done():
                opened.waiting.set_exception(error if isinstance(error, KsmpError) else Unavailable("the room is away"))
                # Mark the exception as retrieved: perhaps nobody waits for the room any more.
                opened.waiting.exception()
            if not isinstance(error, KsmpError):
                log.exception("room.open_failed", room=str(name))
            return
        opened.room = room
        if opened.waiting is not None and not opened.waiting.done():
            opened.waiting.set_result(room)
        opened.waiting = None
        for push, prev in opened.held or ():
            if room.offer(push, prev):
                self._read_gap(opened, room)
        opened.held = None
        self._metrics.rooms.set(len(self._rooms))

    async def _follow(self, name: RoomName, opened: _Open) -> Room:
        """Subscribe first, then read the position, then serve, so that no message is missed in between."""

        # The internal room of the gateways has no kind.
        kind = self._kinds.get(name.kind)
        presence = self._presence() if kind is not None and kind.presence else None
        typing = RoomTyping() if presence is not None else None
        on_message = partial(self._on_message, opened)
        # The room of the gateways has no members who could come again, so the bus tries again for it.
        on_refused = partial(self._on_refused, opened) if kind is not None else None
        out = log_record.subject(log_record.OUT, name)
        opened.subscriptions = (await self._bus.follow(out, on_message, on_refused),)
        if presence is not None and typing is not None:
            on_presence = partial(self._on_presence_message, name, presence, typing)
            opened.subscriptions += (
                await self._bus.follow(log_record.subject(log_record.PRESENCE, name), on_presence, on_refused),
            )
            # The answers come while the position is read, so the first member to join is told how many are there.
            await self._presence_sync.send(name, ReplicaRequest(""))
        # The request below goes over the same connection, so the server has the subscriptions before it.
        await failpoint.pause("open.pause")
        # The last sequence of the whole log is a valid position of this room. The room's stored messages are at or
        # below it. New ones will be above it and come over the subscription. The leader is asked, because a replica may
        # be behind an acknowledgement that the client has seen. All rooms that open at this moment share the request.
        position = await self._log.last()
        if opened.refused:
            raise Unavailable("NATS refused the subscription")
        settings = self._settings
        if self._schedule is None:
            self._schedule = asyncio.get_running_loop().call_soon
        room = Room(
            name,
            position,
            Tail(position, max_count=settings.recovery_messages, max_bytes=settings.recovery_bytes),
            DedupWindow(int(DUPLICATE_WINDOW * 1000)),
            Fanout(self._schedule, self._written),
            presence,
            typing,
        )
        if kind is not None:
            room.on_join, room.on_leave = kind.on_join, kind.on_leave
        return room

    def _on_refused(self, opened: _Open) -> None:
        """NATS does not let this node hear the room any more: the members are told to join again."""
        opened.refused = True
        if opened.room is not None:
            self._spawn(self._part(opened, opened.room))

    async def _part(self, opened: _Open, room: Room) -> None:
        await self._forget(room.text, opened)
        log.error("room.refused", room=room.text, members=len(room.members))
        now = time.monotonic()
        for membership in list(room.members.values()):
            room.leave(membership.member, now)
            left = Left(Code.UNAVAILABLE, rejoin=True)
            membership.member.send(Push(push=Left.push, room=room.text, data=left))

    def _on_presence_message(self, name: RoomName, presence: RoomPresence, typing: RoomTyping, message: Msg) -> None:
        """Apply a presence message of another node, also while the room is still being opened."""
        for answer in self._presence_sync.receive(presence, typing, message):
            self._spawn(self._presence_sync.send(name, answer))

    def _presence(self) -> RoomPresence:
        settings = self._settings
        # A new name for each opening of a room: a replica that starts over must not pass for the one before it.
        return RoomPresence(
            uuid.uuid4().hex,
            grace=settings.presence_grace,
            silence=settings.presence_silence,
            listed=settings.presence_listed,
        )

    def _on_message(self, opened: _Open, message: Msg) -> None:
        """Take a message on a room's subject: a durable push from the log, or an ephemeral push."""
        headers = message.headers or {}
        if log_record.SEQUENCE not in headers:
            self._on_ephemeral(opened, message)
            return
        if failpoint.drop("republish.drop", message):
            return
        push = log_record.from_headers(message.data, headers)
        prev = int(headers[log_record.LAST_SEQUENCE])
        room = opened.room
        if room is None:
            if opened.held is None:
                opened.held = []
            opened.held.append((push, prev))
            return
        if room.offer(push, prev):
            self._metrics.gaps.inc()
            self._read_gap(opened, room)

    def _on_batch_written(self, batch: Batch) -> None:
        members = len(batch.members or ())
        if batch.durable:
            self._metrics.fan_out.observe(max(0.0, clock.now_seconds() - batch.oldest / 1000))
            self._durable_pushes.inc(batch.durable * members)
        if batch.ephemeral:
            self._ephemeral_pushes.inc(batch.ephemeral * members)

    def _on_ephemeral(self, opened: _Open, message: Msg) -> None:
        if opened.room is not None:
            opened.room.fanout.ephemeral(msgspec.json.decode(message.data, type=Push))

    async def _on_poke(self, message: Msg) -> None:
        if failpoint.drop("poke.drop", message):
            return
        opened = self._rooms.get(log_record.room_of(message.subject))
        if opened is not None and (room := opened.room) is not None and room.reveal(int(message.data)):
            self._read_gap(opened, room)

    def _read_gap(self, opened: _Open, room: Room) -> None:
        if opened.reader is None or opened.reader.done():
            opened.reader = self._spawn(self._fill(room))

    async def _fill(self, room: Room) -> None:
        """Read the messages that the room missed, until none is missing. The next read of heads retries a failure."""
        while room.behind:
            try:
                until = room.known
                pushes = await self._log.between(room.name, room.position, until)
            except Unavailable:
                log.warning("room.gap_open", room=room.text, position=room.position, known=room.known)
                return
            room.fill(pushes, until)
            self._metrics.recovered.inc(len(pushes))

    async def _catch_up(self, room: Room, place: int) -> bool:
        """Catch up with a client whose position is above this node's. Returns whether the log has reached `place`."""
        last = await self._log.last()
        if place > last:
            return False
        # The head is read after `last`, so no message of the room lies between the head and `last`.
        head = await self._log.head(room.name)
        opened = self._rooms.get(room.text)
        if opened is not None and room.reveal(head):
            self._read_gap(opened, room)
            if opened.reader is not None:
                await asyncio.shield(opened.reader)
        if head > room.position:
            raise Unavailable("the room is behind its log")
        room.advance(last)
        return True

    async def _watch(self) -> None:
        """Every few seconds: check the log's epoch, compare every room with its head, and close idle rooms."""
        while True:
            await asyncio.sleep(self._settings.head_interval)
            try:
                if self._bus.up:
                    await self._check_epoch()
                    if not failpoint.drop("heads.skip"):
                        await self._read_heads()
                    await self._log.probe()
                await self._close_idle_rooms()
            except Unavailable as error:
                log.warning("hub.watch_unavailable", error=error.message)
            except Exception:
                log.exception("hub.watch_failed")

    async def _read_heads(self) -> None:
        rooms = self.rooms()
        heads = await self._log.heads([room.name for room in rooms])
        for room in rooms:
            opened = self._rooms.get(room.text)
            if opened is not None and room.reveal(heads.get(room.text, 0)):
                self._read_gap(opened, room)

    async def _check_epoch(self) -> None:
        if not await self._log.refresh_epoch(self._first_sequence):
            return
        log.error("hub.new_epoch", epoch=self._log.epoch)
        for name, opened in list(self._rooms.items()):
            await self._forget(name, opened)
        self.close_all(CloseCode.BUS_LOST)

    async def _close_idle_rooms(self) -> None:
        horizon = time.monotonic() - self._settings.room_linger
        for name, opened in list(self._rooms.items()):
            if opened.room is None or opened.pins:
                continue
            if opened.room.members:
                opened.idle_since = time.monotonic()
            elif opened.idle_since < horizon:
                await self._forget(name, opened)

    async def _forget(self, name: str, opened: _Open) -> None:
        if self._rooms.get(name) is opened:
            del self._rooms[name]
        if opened.reader is not None:
            opened.reader.cancel()
        for subscription in opened.subscriptions:
            await self._bus.unfollow(subscription)
        self._metrics.rooms.set(len(self._rooms))

    def _bus_lost(self) -> None:
        self._metrics.bus_up.set(0)
        loop = asyncio.get_running_loop()
        if self._lost is None:
            self._lost = loop.call_later(self._settings.bus_grace, self.close_all, CloseCode.BUS_LOST)

    async def _bus_back(self) -> None:
        self._metrics.bus_up.set(1)
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        self._spawn(self._after_reconnect())

    async def _after_reconnect(self) -> None:
        """Read what was republished while NATS was away, with retries until JetStream has a leader again."""
        backoff = Backoff(0.1, 1.0)
        while self._bus.up:
            try:
                await self._check_epoch()
                await self._read_heads()
                return
            except Unavailable:
                await asyncio.sleep(backoff.next())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, Unavailable):
                log.warning("hub.task_unavailable", error=error.message)
            else:
                log.error("hub.task_failed", exc_info=error)
