"""Snapshots of rooms; what of them is the same for all members is read once for all who ask at about the same time."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.bus.log import RoomLog
from gateway.contract.context import Context
from gateway.contract.snapshot_part import SnapshotPart
from gateway.protocol.messages import Snapshot
from gateway.protocol.names import RoomName, room_name
from gateway.realtime.hub import Hub
from gateway.tasks import end

Parts = dict[str, Any]


@dataclass(eq=False)
class _Read:
    """One read of a room's shared parts; it begins at `at`, and the position is that of its beginning."""

    at: float
    task: asyncio.Task[Parts]
    epoch: str = ""
    seq: int | None = None


class Snapshots:
    """Reads of one room's shared parts begin `interval` seconds apart.

    Who asks is given one that began afterwards, or one at whose position the room still is: so each push after its
    position comes to a member that joined before it asked.
    """

    def __init__(
        self, hub: Hub, room_log: RoomLog, parts: Mapping[str, Sequence[SnapshotPart]], *, interval: float
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._parts = parts
        self._interval = interval
        # The newest of each room, and all that go on.
        self._reads: dict[str, _Read] = {}
        self._tasks: set[asyncio.Task[Parts]] = set()

    async def stop(self) -> None:
        await end(self._tasks)

    async def read(self, context: Context) -> Snapshot:
        """See `Context.snapshot`; raises what the parts raise."""
        name = room_name(context.room)
        parts = self._parts.get(name.kind, ())
        async with self._hub.using(name) as served:
            epoch, seq = self._log.epoch, served.position
            shared: Parts = {}
            if any(part.shared for part in parts):
                read = self._current(name, context, seq)
                # Whoever asked for it may go away; others wait for it too.
                shared = await asyncio.shield(read.task)
                assert read.seq is not None
                epoch, seq = read.epoch, read.seq
            found = {
                part.name: shared[part.name] if part.shared else msgspec.to_builtins(await part.read(context))
                for part in parts
            }
        return Snapshot(context.room, epoch, seq, found)

    def _current(self, name: RoomName, context: Context, position: int) -> _Read:
        key, now = str(name), time.monotonic()
        read = self._reads.get(key)
        if read is not None:
            waits = read.seq is None
            same = read.seq == position and read.epoch == self._log.epoch and now - read.at < self._interval
            if waits or same:
                return read
        at = now if read is None else max(now, read.at + self._interval)
        # Not in the transaction of who asked first, if there is one.
        work = self._read(key, name, context, at)
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(key, task))
        self._reads[key] = _Read(at, task)
        return self._reads[key]

    async def _read(self, key: str, name: RoomName, context: Context, at: float) -> Parts:
        await asyncio.sleep(at - time.monotonic())
        async with self._hub.using(name) as served:
            mine = self._reads[key]
            mine.epoch, mine.seq = self._log.epoch, served.position
            # As JSON has it, whichever codec it goes out by: a moment is a text in both.
            return {
                part.name: msgspec.to_builtins(await part.read(context))
                for part in self._parts[name.kind]
                if part.shared
            }

    def _done(self, key: str, task: asyncio.Task[Parts]) -> None:
        self._tasks.discard(task)
        if _failed(task):
            # Whoever waited is told; the next one asks anew.
            self._forget(key, task)
        else:
            asyncio.get_running_loop().call_later(self._interval, self._forget, key, task)

    def _forget(self, key: str, task: asyncio.Task[Parts]) -> None:
        if (read := self._reads.get(key)) is not None and read.task is task:
            del self._reads[key]


def _failed(task: asyncio.Task[Parts]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
