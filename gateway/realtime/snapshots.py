"""Snapshots of rooms: the state that modules declare in parts, read together at one position of the room's log.

Some parts are the same for every member. They are read once for all members who ask at about the same time.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog

from gateway.bus.log import RoomLog
from gateway.contract.context import Context
from gateway.contract.snapshot_part import SnapshotPart
from gateway.errors import KsmpError
from gateway.protocol.messages import Snapshot
from gateway.protocol.names import RoomName, room_name
from gateway.realtime.hub import Hub
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

NOTHING: Final[Mapping[str, msgspec.Struct]] = {}


@dataclass
class _Parts:
    """Parts that were read, by name, as values and as JSON has them, and the names of those that could not be."""

    values: dict[str, msgspec.Struct] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


@dataclass(eq=False)
class _SharedRead:
    """One read of a room's shared parts. It begins at `at`; `epoch` and `seq` are the position at that moment."""

    at: float
    task: asyncio.Task[_Parts]
    epoch: str = ""
    seq: int | None = None


class Snapshots:
    """Reads the snapshots of all rooms; reads of one room's shared parts begin `interval` seconds apart.

    A member who asks is given a read that began afterwards, or one whose position is still the room's. So the member
    sees each push after the position of its snapshot, as long as it joined before it asked.

    A part that raises anything but a KsmpError is left out and named in the answer. The other parts are not affected.
    """

    def __init__(
        self,
        hub: Hub,
        room_log: RoomLog,
        parts: Mapping[str, Sequence[SnapshotPart]],
        metrics: Metrics,
        *,
        interval: float,
    ) -> None:
        """`parts` are those of each kind of room; it may be filled later."""
        self._hub = hub
        self._log = room_log
        self._parts = parts
        self._metrics = metrics
        self._interval = interval
        # The newest read of each room.
        self._reads: dict[str, _SharedRead] = {}
        self._tasks: set[asyncio.Task[_Parts]] = set()

    async def stop(self) -> None:
        await end(self._tasks)

    async def read(self, context: Context) -> Snapshot:
        """See `Context.snapshot`; raises the KsmpErrors of the parts."""
        name = room_name(context.room)
        parts = self._parts.get(name.kind, ())
        async with self._hub.using(name) as served:
            epoch, seq = self._log.epoch, served.position
            shared = _Parts()
            if any(part.shared for part in parts):
                read = self._current(name, context, seq)
                # Others wait for the same read: it goes on when this member leaves.
                shared = await asyncio.shield(read.task)
                assert read.seq is not None
                epoch, seq = read.epoch, read.seq
            own = await self._read_parts((part for part in parts if not part.shared), context, shared.values)
        found, failed = {**shared.found, **own.found}, shared.failed | own.failed
        names = list(dict.fromkeys(part.name for part in parts))
        return Snapshot(
            room=context.room,
            epoch=epoch,
            seq=seq,
            parts={name: found[name] for name in names if name in found and name not in failed},
            failed=[name for name in names if name in failed],
        )

    async def _read_parts(
        self, parts: Iterable[SnapshotPart], context: Context, given: Mapping[str, msgspec.Struct] = NOTHING
    ) -> _Parts:
        """Read parts one after the other; an error in one of them does not keep the others out."""
        result = _Parts()
        for part in parts:
            try:
                value = await (part.read(context, given.get(part.given)) if part.given else part.read(context))
                result.values[part.name] = value
                # As JSON has it, whichever codec the answer goes out by: a time is a text in both.
                result.found[part.name] = msgspec.to_builtins(value)
            except KsmpError:
                # Such as Unavailable: it is meant for the caller, who asks again.
                raise
            except Exception:
                result.failed.add(part.name)
                self._metrics.snapshot_part_failures.labels(part.name).inc()
                log.exception("snapshot.part_failed", part=part.name, room=context.room)
        return result

    def _current(self, name: RoomName, context: Context, position: int) -> _SharedRead:
        """The read of the shared parts that serves a member who asks now; a new one is begun when there is none."""
        key, now = str(name), time.monotonic()
        read = self._reads.get(key)
        if read is not None:
            waits = read.seq is None
            same = read.seq == position and read.epoch == self._log.epoch and now - read.at < self._interval
            if waits or same:
                return read
        at = now if read is None else max(now, read.at + self._interval)
        # It runs in a context of its own, and so outside of the transaction of the member who asked first.
        work = self._read_shared(key, name, context, at)
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(key, task))
        self._reads[key] = _SharedRead(at, task)
        return self._reads[key]

    async def _read_shared(self, key: str, name: RoomName, context: Context, at: float) -> _Parts:
        await asyncio.sleep(at - time.monotonic())
        async with self._hub.using(name) as served:
            mine = self._reads[key]
            mine.epoch, mine.seq = self._log.epoch, served.position
            return await self._read_parts((part for part in self._parts[name.kind] if part.shared), context)

    def _done(self, key: str, task: asyncio.Task[_Parts]) -> None:
        self._tasks.discard(task)
        if _failed(task):
            # The members who waited are told. The next one asks anew.
            self._forget(key, task)
        else:
            asyncio.get_running_loop().call_later(self._interval, self._forget, key, task)

    def _forget(self, key: str, task: asyncio.Task[_Parts]) -> None:
        if (read := self._reads.get(key)) is not None and read.task is task:
            del self._reads[key]


def _failed(task: asyncio.Task[_Parts]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
