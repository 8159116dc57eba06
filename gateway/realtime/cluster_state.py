"""Small facts that every node knows: a mute, an eviction, a revoked user, a ban.

PostgreSQL records them, an internal room tells them, each node keeps them in memory. The row of a fact and its push
commit together; the push goes through the outbox to the room, which every node follows from its start, with gaps read
like any room's. Each version of a fact has a `rev`, so it may be heard twice, from both sides and in any order.

The rows are looked at twice a second as well: what was committed is known everywhere also while the log elects a leader
or another node takes over the relay. While PostgreSQL is away nothing new can be declared, and what is known holds.
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

# No module may own rooms of this kind, so that nobody can join one.
KIND: Final = "system"
ROOM: Final = RoomName(KIND, "facts")
PUSH: Final = "system.fact"
# The `until` of a fact that was lifted: over by any node's clock.
LIFTED: Final = 0
# Time between two readings of all rows, which also find what was pruned.
WHOLE: Final = 600.0
# A row becomes visible a little later than the time it carries.
SLACK: Final = 5.0
# The longest that a timer waits before it looks at the clock again.
DAY: Final = 86_400.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Fact).decode


class StateTopic(Protocol):
    """What the facts of one kind mean on this node. Nothing here may wait."""

    kind: str

    def learn(self, fact: Fact, *, holds: bool) -> None:
        """A version of a fact that is newer than what was known of its key, which it replaces."""

    def end(self, fact: Fact) -> None:
        """A fact that held is over."""


class ClusterState:
    """Keeps what all nodes know, and tells the topics what is new and what is over."""

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
        # When all rows were last read, and when those that changed.
        self._whole_at: float | None = None
        self._looked_at = 0.0
        self._following: asyncio.Task[None] | None = None

    def add(self, topic: StateTopic) -> None:
        """Before the start: who is told of the facts of one kind."""
        self._topics[topic.kind] = topic

    async def start(self) -> None:
        """Follow the room from now on; returns when what is to be known is known."""
        self._following = asyncio.get_running_loop().create_task(self._follow())
        await self._loaded.wait()

    async def stop(self) -> None:
        if self._following is not None:
            await end([self._following])
        for handle in self._ends.values():
            handle.cancel()

    async def declare(self, kind: str, key: str, data: msgspec.Struct, until: int | None) -> None:
        """Make it a fact, in place of the one with the same key.

        Returns when it is recorded and holds here; the other nodes know it a moment later, whatever becomes of this
        one. Inside a transaction it is a fact when that commits, and only then, and this node hears of it as the others
        do. Raises Unavailable, after which it may have been recorded.
        """
        async with self._database.transaction():
            fact = await self._table.write(kind, key, _encode(data), until)
            await self._outbox.add("push", str(ROOM), log_record.encode_payload(PUSH, _encode(fact)))
        if not self._database.in_transaction:
            self._learn(fact)

    async def _follow(self) -> None:
        """Be in the room for as long as the node lives; another life of the log is another room."""
        while True:
            try:
                async with self._hub.using(ROOM) as room:
                    # The room's place first, then the rows: what they lack comes through the room.
                    room.follower = self._heard
                    await self._catch_up(room)
                    self._loaded.set()
                    while self._hub.room(room.text) is room:
                        await asyncio.sleep(self._interval)
                        with contextlib.suppress(Unavailable):
                            await self._look()
            except Unavailable as error:
                log.warning("facts.waiting", reason=error.message)
            except Exception:
                log.exception("facts.failed")
                await asyncio.sleep(1.0)
            await asyncio.sleep(0.2)

    async def _catch_up(self, room: Room) -> None:
        """Learn everything; while PostgreSQL is away, as much as the room's log still holds."""
        self._whole_at = None
        try:
            await self._look()
        except Unavailable:
            head = await self._log.head(ROOM)
            for push in await self._log.between(ROOM, 0, head):
                self._heard(push)
            log.warning("facts.from_log", known=len(self._known), position=room.position)

    async def _look(self) -> None:
        """Read the rows that changed, and now and then all of them; raises Unavailable."""
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
            # What was known before the reading and has no row is over, and was for long.
            for key in before.keys() - {(fact.kind, fact.key) for fact in rows}:
                if self._known.get(key) is before[key]:
                    self._forget(key)
            self._whole_at = started
        self._looked_at = started

    def _heard(self, push: StoredPush) -> None:
        if push.push != PUSH:
            return
        try:
            self._learn(_decode(push.data))
        except Exception:
            # One that cannot be read must not stop the others.
            log.exception("facts.unreadable", seq=push.seq)

    def _learn(self, fact: Fact) -> None:
        key = (fact.kind, fact.key)
        known, topic = self._known.get(key), self._topics.get(fact.kind)
        # A kind without a topic is a newer node's.
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
    """A time as a fact's `until`, at least 1; raises ValueError for one without a zone."""
    if when is None:
        return None
    if when.tzinfo is None:
        raise ValueError("a time needs a zone: datetime.now(UTC) + timedelta(minutes=10)")
    return max(1, round(when.timestamp() * 1000))
