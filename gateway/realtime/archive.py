"""Copies the log of a room kind into the archive, in the order of the stream; one node at a time does it.

Each transaction stores a batch of rows and the position reached. The node that writes holds a lock that ends with its
database connection. So no batch is ever delivered twice, and no tombstone can overtake its target.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from gateway import failpoint
from gateway.bus.log import BATCH, RoomLog
from gateway.contract.rooms import MessageCount
from gateway.errors import Unavailable
from gateway.protocol.stored_push import Erased, StoredPush, Sweep
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


# Seconds between two checks of an idle writer that it still holds the lock. A store finds out by itself.
CHECK: Final = 1.0


class Writer(Protocol):
    """Writes the pushes of one kind of room. There is one at a time in the cluster."""

    async def position(self) -> int:
        """The newest sequence copied, 0 at first."""

    async def store(self, pushes: Sequence[StoredPush], position: int) -> None:
        """Copy a batch, erase the targets of its tombstones, and move the position, in one transaction."""

    async def swept(self, tombstone: StoredPush) -> list[int]:
        """The seqs of the copied pushes that the tombstone's `sweeps` covers."""

    async def check_leadership(self) -> None:
        """Raises Unavailable when this node is not the writer any more."""


class Archive(Protocol):
    """Keeps pushes after the log has dropped them."""

    def writer(self, kind: str) -> AbstractAsyncContextManager[Writer]:
        """The only writer of a kind in the cluster; waits while another node has it. Raises Unavailable."""

    async def before(self, room: str, seq: int, limit: int, types: Sequence[str] | None) -> list[StoredPush]:
        """The newest `limit` pushes of a room below `seq`, ascending, of the types asked for."""

    async def version(self, room: str, seq: int) -> StoredPush | None:
        """The push with this seq, or its latest version."""

    async def tally(self, room: str, since: datetime, until: datetime) -> dict[str, int]:
        """How many pushes of each name a room stored in this time; raises Unavailable."""

    async def tally_by_author(
        self, room: str, since: datetime, until: datetime, pushes: Sequence[str], every: timedelta
    ) -> Sequence[MessageCount]:
        """How many pushes of these names each author stored in each `every` of this time; raises Unavailable."""

    async def last(self) -> int:
        """The newest sequence that was copied, over all rooms; raises Unavailable."""


class Archiver:
    """Runs on every node for one room kind. The node that holds the lock does the work."""

    def __init__(
        self, kind: str, archive: Archive, room_log: RoomLog, metrics: Metrics, *, pause: float = 0.25
    ) -> None:
        self._kind = kind
        self._archive = archive
        self._log = room_log
        self._metrics = metrics
        self._pause = pause
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await end([self._task])

    async def _run(self) -> None:
        while True:
            try:
                async with self._archive.writer(self._kind) as writer:
                    await self._copy(writer)
            except Unavailable as error:
                log.info("archive.waiting", kind=self._kind, reason=error.message)
            except Exception:
                log.exception("archive.failed", kind=self._kind)
            await asyncio.sleep(1.0)

    async def _copy(self, writer: Writer) -> None:
        """Copy new pushes until the database connection is lost, and with it the lock; then raises Unavailable."""
        log.info("archive.writing", kind=self._kind)
        position = await writer.position()
        checked_at = time.monotonic()
        while True:
            await failpoint.pause("archive.pause")
            pushes, more = await self._log.read_kind(self._kind, position + 1, limit=BATCH)
            if pushes:
                # A node may have stopped between its tombstone and the erasure. The erasure is repeated here.
                for push in pushes:
                    if push.erases:
                        await self._log.erase_all(push.erases)
                    if push.sweeps is not None:
                        await self._sweep(writer, push, push.sweeps, pushes)
                position = pushes[-1].seq
                await writer.store(pushes, position)
                self._metrics.archived.labels(self._kind).inc(len(pushes))
            if not more:
                self._metrics.archive_lag.labels(self._kind).set(0)
                if time.monotonic() - checked_at > CHECK:
                    await writer.check_leadership()
                    checked_at = time.monotonic()
                await asyncio.sleep(self._pause)
            else:
                self._metrics.archive_lag.labels(self._kind).set(max(0, await self._log.last() - position))

    async def _sweep(self, writer: Writer, tombstone: StoredPush, sweep: Sweep, batch: Sequence[StoredPush]) -> None:
        """Erase from the stream what a tombstone sweeps: pushes copied before this batch, and pushes in it."""
        first = await self._log.first()
        seqs = [seq for seq in await writer.swept(tombstone) if seq >= first]
        here = (push for push in batch if push.room == tombstone.room and push.seq < tombstone.seq)
        seqs += [push.seq for push in here if sweep.covers(push)]
        await self._log.erase_all([Erased(seq, "") for seq in seqs])
