"""The rooms of the cluster as modules use them, whichever node their members are on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from gateway import clock, failpoint
from gateway.bus import log_record
from gateway.bus.log import RoomLog, Stored
from gateway.contract.context import Context
from gateway.contract.push_type import PushType, T
from gateway.contract.rooms import MessageCount
from gateway.errors import Unavailable
from gateway.events.outbox import Outbox
from gateway.principal import Author
from gateway.protocol.messages import Person, Published, Push, Snapshot
from gateway.protocol.names import RoomName, room_name
from gateway.protocol.stored_push import Erased, StoredPush, Sweep
from gateway.realtime.archive import Archive
from gateway.realtime.evictions import Evictions
from gateway.realtime.hub import Hub
from gateway.realtime.occupancy import Occupancy
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.snapshots import Snapshots
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


# Seconds that the other nodes have to report who is in a room that was not open here.
PATIENCE: Final = 0.3


class ClusterRooms:
    """Implements `gateway.contract.Rooms` on the log and the hub."""

    def __init__(
        self,
        hub: Hub,
        room_log: RoomLog,
        archive: Archive,
        kinds: Collection[str],
        restrictions: Restrictions,
        evictions: Evictions,
        metrics: Metrics,
        outbox: Outbox,
        snapshots: Snapshots,
        pushes: Mapping[str, PushType[Any]],
        occupancy: Occupancy,
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._archive = archive
        self._archived = kinds
        self._restrictions = restrictions
        self._evictions = evictions
        self._metrics = metrics
        self._outbox = outbox
        self._snapshots = snapshots
        self._pushes = pushes
        self._occupancy = occupancy

    @property
    def kinds(self) -> Collection[str]:
        return self._hub.kinds

    async def publish(
        self,
        room: str,
        push: PushType[T],
        data: T,
        *,
        author: Author | None = None,
        nonce: str | None = None,
        message_id: str | None = None,
        erases: Sequence[StoredPush] = (),
        replaces: StoredPush | None = None,
        sweeps: Sweep | None = None,
    ) -> Published:
        name = room_name(room)
        if sweeps is not None and name.kind not in self._archived:
            raise ValueError(f"rooms like {room} have no archive, which is what says what is to be erased")
        dead = [*erases, *([replaces] if replaces is not None else [])]
        if any((target.erases and target.replaces is None) or target.sweeps for target in dead):
            # A node that never saw the tombstone would show again what it erased.
            raise ValueError("a tombstone cannot be erased")
        # For the same reason, a new version is also the tombstone of all versions before it.
        targets = tuple(erased for target in dead for erased in (*target.erases, Erased(target.seq, target.message_id)))
        body = log_record.encode_payload(
            self._name_of(push, data),
            msgspec.json.encode(data),
            author=author,
            nonce=nonce,
            erases=targets,
            replaces=None if replaces is None else replaces.replaces or replaces.seq,
            sweeps=sweeps,
        )
        stored = await self._store(name, body, message_id or uuid.uuid4().hex)
        if targets and not failpoint.drop("erase.skip", room):
            try:
                await self._log.erase_all(targets)
            except Unavailable:
                # The archiver erases the targets of every tombstone that it copies.
                log.warning("log.erase_later", room=room)
        return Published(stored.seq, stored.duplicate)

    async def publish_row(
        self,
        room: str,
        push: PushType[T],
        entity: T,
        *,
        author: Author | None = None,
        nonce: str | None = None,
    ) -> None:
        name = room_name(room)
        if not isinstance(entity, msgspec.Struct) or not isinstance(getattr(entity, "rev", None), int):
            raise ValueError(f"{push} must carry a struct of the whole entity with its `rev`")
        body = log_record.encode_payload(
            self._name_of(push, entity), msgspec.json.encode(entity), author=author, nonce=nonce
        )
        await self._outbox.add("push", str(name), body)

    async def send(self, room: RoomName, body: bytes, message_id: str) -> None:
        """Store a row-first push that comes out of the outbox; raises Unavailable."""
        await self._store(room, body, message_id)

    def _name_of(self, push: PushType[Any], data: object) -> str:
        """The name of a push that a module has declared; raises ValueError for any other, and for other data."""
        if self._pushes.get(push.name) != push:
            raise ValueError(f"no module declares {push.name} so; list it in `pushes` of the feature that publishes it")
        if not isinstance(data, push.data):
            raise ValueError(f"{push.name} carries {push.data.__name__}, and not {type(data).__name__}")
        return push.name

    async def _store(self, room: RoomName, body: bytes, message_id: str) -> Stored:
        started = time.perf_counter()
        stored = await self._log.publish(room, body, message_id)
        self._metrics.publish_seconds.observe(time.perf_counter() - started)
        if stored.retried or stored.duplicate:
            # The publish had trouble, and the republished message may be lost. The poke makes nodes look for it.
            await self._hub.poke(room, stored.seq)
        return stored

    async def emit(self, room: str, push: PushType[T], data: T, *, author: Author | None = None) -> None:
        message = Push(push=self._name_of(push, data), room=room, at=clock.now_ms(), author=author, data=data)
        await self._hub.emit(room_name(room), message)

    async def read(self, room: str, seq: int) -> StoredPush | None:
        name = room_name(room)
        open_room = self._hub.room(room)
        if open_room is not None and (held := open_room.tail.version(seq)) is not None:
            return held
        found = await self._log.get(name, seq)
        if found is not None and (open_room is None or any(open_room.tail.visible([found]))):
            return found
        # A later version may be too new for the archive, or for this node.
        if open_room is not None:
            await self._hub.backfill.load_recent(open_room)
            newer, _ = await self._log.read(name, open_room.position + 1)
            newer = [push for push in open_room.tail.visible(newer) if push.replaces == seq]
            if versions := [*newer[-1:], *filter(None, [open_room.tail.version(seq)])]:
                return versions[0]
        found = await self._archive.version(room, seq) if name.kind in self._archived else None
        if found is None or open_room is None:
            return found
        return next(iter(open_room.tail.visible([found])), None)

    async def recent(self, room: str, limit: int, types: Sequence[str]) -> list[StoredPush]:
        async with self._hub.using(room_name(room)) as served:
            return await self._hub.backfill.newest(served, limit, types)

    async def history(self, room: str, before: int, limit: int) -> tuple[list[StoredPush], bool]:
        async with self._hub.using(room_name(room)) as served:
            return await self._hub.backfill.page(served, before, limit)

    async def snapshot(self, context: Context) -> Snapshot:
        return await self._snapshots.read(context)

    async def count_messages(self, room: str, since: datetime, until: datetime) -> int:
        self._check_archived(room)
        stored = await self._archive.tally(room, since, until)
        return sum(stored.get(name, 0) for name in self._messages())

    async def messages_by_author(
        self, room: str, since: datetime, until: datetime, every: timedelta
    ) -> Sequence[MessageCount]:
        self._check_archived(room)
        return await self._archive.tally_by_author(room, since, until, self._messages(), every)

    def _check_archived(self, room: str) -> None:
        if room_name(room).kind not in self._archived:
            raise ValueError(f"rooms like {room} are not archived")

    def _messages(self) -> list[str]:
        return [push.name for push in self._pushes.values() if push.is_message]

    async def members(self, room: str) -> list[Person]:
        known = self._hub.room(room) is not None
        async with self._hub.using(room_name(room)) as served:
            if served.presence is None:
                raise ValueError(f"rooms like {room} have no presence")
            if not known:
                await asyncio.sleep(PATIENCE)
            return served.presence.people()

    async def occupied(self, rooms: Collection[str]) -> set[str]:
        return await self._occupancy.among(rooms)

    async def restrict(
        self,
        room: str,
        user: str,
        commands: Collection[str],
        until: datetime | None,
        *,
        name: str = "restriction",
    ) -> None:
        await self._restrictions.restrict(room, user, commands, until, name)

    async def lift(self, room: str, user: str, *, name: str = "restriction") -> None:
        await self._restrictions.lift(room, user, name)

    async def evict(
        self, room: str, user: str, code: str, *, rejoin: bool = False, until: datetime | None = None
    ) -> None:
        await self._evictions.evict(room, user, code, rejoin=rejoin, until=until)

    async def readmit(self, room: str, user: str) -> None:
        await self._evictions.readmit(room, user)

    def check(self, room: str, user: str) -> None:
        self._evictions.require_admitted(room, user)
