"""Looks, again and again, for files that are to be deleted, deletes their objects, and then says so in their rows.

Each gateway has this worker. Rows are claimed, so that two gateways share the work. What a gateway leaves behind, when
it dies or S3 is away, is due again a while later.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.tasks import repeat
from modules.files.lifecycle import FileLifecycle
from modules.files.records import FileRecord
from modules.files.removal import Removal
from modules.files.repository import FileRepository
from modules.files.settings import SweepSettings
from modules.files.states import FileState
from modules.files.storage.s3 import Bucket
from modules.files.sweep import metrics
from modules.files.sweep.repository import SweepRepository, Why
from modules.files.sweep.walk import BucketWalk

log = structlog.get_logger(__name__)

# Whoever has begun a deletion is still at it.
AT_IT: Final = timedelta(seconds=60)
# Deletions at once.
AT_ONCE: Final = 8


class Sweep:
    def __init__(
        self,
        kernel: Kernel,
        settings: SweepSettings,
        bucket: Bucket,
        files: FileRepository,
        lifecycle: FileLifecycle,
        removal: Removal,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._files = files
        self._lifecycle = lifecycle
        self._removal = removal
        self._rows = SweepRepository(kernel.database)
        self.walk = BucketWalk(self._rows, bucket, settings)
        self._kept = {
            Why.UNFINISHED: timedelta(seconds=settings.unfinished_kept),
            Why.UNHELD: timedelta(seconds=settings.unheld_kept),
            Why.DELETING: AT_IT,
        }

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        await repeat("sweep", lambda: self.look(clock.now()), self._settings.sweep_interval, at_once=False)

    async def look(self, now: datetime) -> None:
        """Delete what is due at this time. Raises Unavailable; the rest is due again later."""
        for why in Why:
            await self.delete_due(why, now)
        metrics.waiting.set(await self._rows.waiting())
        await self.walk.look(now)
        metrics.last_look.set(now.timestamp())

    async def delete_due(self, why: Why, now: datetime) -> int:
        """Delete the files that are due for this; how many were. Raises Unavailable."""
        until, count = now + timedelta(seconds=self._settings.sweep_claim), 0
        while claimed := await self._rows.claim(why, self._kept[why], now, until, self._settings.sweep_batch):
            for begin in range(0, len(claimed), AT_ONCE):
                done = await asyncio.gather(
                    *(self.delete(file, why, now) for file in claimed[begin : begin + AT_ONCE]),
                    return_exceptions=True,
                )
                count += sum(one is True for one in done)
                # All of them have ended by now.
                for one in done:
                    if isinstance(one, BaseException):
                        raise one
            if len(claimed) < self._settings.sweep_batch:
                break
        return count

    async def delete(self, claimed: FileRecord, why: Why, now: datetime) -> bool:
        """Delete a file that was claimed; False when it is not due any more. Raises Unavailable."""
        file = await self._begin(claimed.id, why, now)
        if file is None:
            return False
        await self._removal.remove(file)
        metrics.swept.labels(why).inc()
        log.info("sweep.deleted", file=file.id, why=why.value)
        return True

    async def _begin(self, id: str, why: Why, now: datetime) -> FileRecord | None:
        """The file, whose deletion has begun; None when it was completed, held or deleted since it was claimed."""
        async with self._kernel.database.transaction():
            file = await self._files.lock(id)
            if file is None or not self._is_due(file, why, now):
                return None
            return file if why is Why.DELETING else await self._lifecycle.begin_deletion(id)

    def _is_due(self, file: FileRecord, why: Why, now: datetime) -> bool:
        match why:
            case Why.UNFINISHED:
                return file.state is FileState.PENDING and file.expires_at <= now - self._kept[why]
            case Why.UNHELD:
                return file.unheld_at is not None and file.unheld_at <= now - self._kept[why]
            case Why.DELETING:
                return file.deleting_at is not None and file.removed_at is None
