"""State that every node of the cluster knows: small facts such as a mute, an eviction, a revoked user, a ban.

PostgreSQL holds the facts, an internal room spreads them, and each node keeps them in memory. A transaction writes the
row of a fact and, through the outbox, its push to the room. Every node follows that room from its start, and reads gaps
as in any room. Each version of a fact has a `rev`, so a node may learn it twice, from both sides and in any order.

Each node also reads the changed rows twice a second. So a committed fact is known everywhere even while the log elects
a leader or another node takes over the relay. While PostgreSQL is away, no fact can be declared, and known facts hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from typing import Final, Protocol

import msgspec
import structlog

from gateway import clock
from gateway.bus import log_record
from gateway.bus.log import RoomLog
from gateway.db.cluster_state import Fact, FactTable
from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable
from gateway.events.outbox import Outbox
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.hub import Hub
from gateway.realtime.room import Room
from gateway.tasks import end

log = structlog.get_logger(__name__)

# No module may own rooms of this kind, so nobody can join one.
KIND: Final = "system"
ROOM: Final = RoomName(KIND, "facts")
PUSH: Final = "system.fact"
# The `until` of a fact that was lifted. It is in the past by any node's clock.
LIFTED: Final = 0
# Seconds between two reads of all rows. Such a read also finds facts whose rows were pruned.
WHOLE: Final = 600.0
# Seconds by which a row may become visible later than the time that it carries.
SLACK: Final = 5.0
# The longest that a timer waits before it checks the clock again, in seconds.
DAY: Final = 86_400.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Fact).decode


class StateTopic(Protocol):
    """Applies the facts of one kind on this node. No call may wait."""

    kind: str

    def learn(self, fact: Fact, *, holds: bool) -> None:
        """Apply a fact that is new, or newer than the known one with its key. `holds` says whether it is in force."""

    def end(self, fact: Fact) -> None:
        """Undo a fact that was in force and is over."""


class ClusterState:
    """Keeps the facts that all nodes know, and tells each topic of new ones and of those that are over."""

    def __init__(
        self, hub: Hub, room_log: RoomLog, database: PostgresDatabase, outbox: Outbox, *, interval: float
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._database = database
        self._table = FactTable(database)
        self._outbox = outbox
        self._interval = interval
        self._topics: dict[str, StateTopic] = {}
        self._known: dict[tuple[str, str], Fact] = {}
        self._ends: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._loaded = asyncio.Event()
        # When all rows were last read, and when the changed rows were.
        self._whole_at: float | None = None
        self._looked_at = 0.0
        self._following: asyncio.Task[None] | None = None

    def add(self, topic: StateTopic) -> None:
        """Register the topic of one kind of facts; to be called before the start."""
        self._topics[topic.kind] = topic

    async def start(self) -> None:
        """Follow the room from now on; returns when this node knows the facts that are in force."""
        self._following = asyncio.get_running_loop().create_task(self._follow())
        await self._loaded.wait()

    async def stop(self) -> None:
        if self._following is not None:
            await end([self._following])
        for handle in self._ends.values():
            handle.cancel()

    async def declare(self, kind: str, key: str, data: msgspec.Struct, until: int | None) -> None:
        """Record a fact in place of the one with the same key.

        Returns when it is recorded and in force on this node. The other nodes know it a moment later, even when this
        node dies. Inside a transaction it becomes a fact only when that commits, and this node learns it as the others
        do. Raises Unavailable, after which it may have been recorded all the same.
        """
        async with self._database.transaction():
            fact = await self._table.write(kind, key, _encode(data), until)
            await self._outbox.add("push", str(ROOM), log_record.encode_payload(PUSH, _encode(fact)))
        if not self._database.in_transaction:
            self._learn(fact)

    async def _follow(self) -> None:
        """Follow the room for as long as the node lives. When the log has a new epoch, the room is opened again."""
        while True:
            try:
                async with self._hub.using(ROOM) as room:
                    # The room's position is taken before the rows are read. What the rows lack comes through the room.
                    room.follower = self._on_push
                    await self._catch_up(room)
                    self._loaded.set()
                    while self._hub.room(room.text) is room:
                        await asyncio.sleep(self._interval)
                        with contextlib.suppress(Unavailable):
                            await self._look()
            except Unavailable as error:
                log.warning("cluster_state.waiting", reason=error.message)
            except Exception:
                log.exception("cluster_state.failed")
                await asyncio.sleep(1.0)
            await asyncio.sleep(0.2)

    async def _catch_up(self, room: Room) -> None:
        """Learn all facts. While PostgreSQL is away, learn those that the room's log still holds."""
        self._whole_at = None
        try:
            await self._look()
        except Unavailable:
            head = await self._log.head(ROOM)
            for push in await self._log.between(ROOM, 0, head):
                self._on_push(push)
            log.warning("cluster_state.from_log", known=len(self._known), position=room.position)

    async def _look(self) -> None:
        """Read the rows that changed, and every WHOLE seconds all of them; raises Unavailable."""
        started = time.monotonic()
        if self._whole_at is not None and started - self._whole_at < WHOLE:
            for fact in await self._table.changed(started - self._looked_at + SLACK):
                self._learn(fact)
        else:
            before = dict(self._known)
            await self._table.prune()
            rows = await self._table.all()
            for fact in rows:
                self._learn(fact)
            # A fact that was known before the read and has no row has been over for long.
            for key in before.keys() - {(fact.kind, fact.key) for fact in rows}:
                if self._known.get(key) is before[key]:
                    self._forget(key)
            self._whole_at = started
        self._looked_at = started

    def _on_push(self, push: StoredPush) -> None:
        if push.push != PUSH:
            return
        try:
            self._learn(_decode(push.data))
        except Exception:
            # A fact that cannot be read must not stop the others.
            log.exception("cluster_state.unreadable", seq=push.seq)

    def _learn(self, fact: Fact) -> None:
        key = (fact.kind, fact.key)
        known, topic = self._known.get(key), self._topics.get(fact.kind)
        # A newer version of the gateway may declare kinds that this one has no topic for.
        if topic is None or (known is not None and known.rev >= fact.rev):
            return
        self._known[key] = fact
        if (handle := self._ends.pop(key, None)) is not None:
            handle.cancel()
        holds = fact.holds(clock.now_seconds())
        if holds and fact.until is not None:
            self._wait_for_end(key, fact.until)
        topic.learn(fact, holds=holds)

    def _wait_for_end(self, key: tuple[str, str], until: int) -> None:
        left = min(DAY, max(0.001, until / 1000 - clock.now_seconds()))
        self._ends[key] = asyncio.get_running_loop().call_later(left, self._end, key, until)

    def _end(self, key: tuple[str, str], until: int) -> None:
        fact = self._known[key]
        if fact.holds(clock.now_seconds()):
            self._wait_for_end(key, until)
            return
        del self._ends[key]
        self._topics[fact.kind].end(fact)

    def _forget(self, key: tuple[str, str]) -> None:
        fact = self._known.pop(key)
        if (handle := self._ends.pop(key, None)) is not None:
            handle.cancel()
        if fact.holds(clock.now_seconds()):
            self._topics[fact.kind].end(fact)


def moment(when: datetime | None) -> int | None:
    """A time as the `until` of a fact, at least 1; raises ValueError for a time without a zone."""
    if when is None:
        return None
    if when.tzinfo is None:
        raise ValueError("a time needs a zone: datetime.now(UTC) + timedelta(minutes=10)")
    return max(1, round(when.timestamp() * 1000))
