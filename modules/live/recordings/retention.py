"""Deletes recordings that were kept for long enough, and the objects of all that are deleted.

A recording that is due is marked as deleted, and with that gone for everybody. Its objects are deleted afterwards, a
page at a time and outside of any transaction, by the gateway that claims it. When that gateway dies, another one
deletes the rest as soon as the claim is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.aws.s3 import S3
from modules.live.recordings.repository import RecordingRepository
from modules.live.recordings.service import publish_gone
from modules.live.settings import LiveSettings

log = structlog.get_logger(__name__)

# Recordings that are marked in one transaction.
MOST: Final = 100


class Retention:
    """The worker of one gateway. Any number of them may run. `deleted` wakes it before its interval is over."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, s3: S3, deleted: asyncio.Event) -> None:
        self._kernel = kernel
        self._rows = RecordingRepository(kernel.database)
        self._settings = settings
        self._s3 = s3
        self._deleted = deleted

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            self._deleted.clear()
            try:
                while await self._expire():
                    pass
                while await self._erase():
                    pass
            except Unavailable as error:
                log.info("recordings.retention_waits", reason=error.message)
            except Exception:
                log.exception("recordings.retention_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.recording_interval):
                    await self._deleted.wait()

    async def _expire(self) -> bool:
        """Mark some that were kept for long enough; whether there may be more."""
        if not self._settings.recording_kept:
            return False
        now = clock.now()
        before = now - timedelta(seconds=self._settings.recording_kept)
        async with self._kernel.database.transaction():
            expired = await self._rows.mark_expired(before, now, MOST)
            await publish_gone(self._kernel, expired)
        return len(expired) == MOST

    async def _erase(self) -> bool:
        """Delete the objects of one that is marked; False when there is none."""
        claimed = await self._rows.claim(self._claim_ends(), clock.now())
        if claimed is None:
            return False
        try:
            while await self._s3.delete_page(claimed.bucket, claimed.prefix, self._settings.recording_page):
                await self._rows.claim_until(claimed.id, self._claim_ends())
        except Unavailable:
            # Tried again a moment later, after the others.
            again_at = clock.now() + timedelta(seconds=self._settings.video_backoff)
            await self._rows.claim_until(claimed.id, again_at)
            raise
        await self._rows.mark_erased(claimed.id, clock.now())
        log.info("recordings.erased", session=claimed.session_id, recording=claimed.id)
        return True

    def _claim_ends(self) -> datetime:
        return clock.now() + timedelta(seconds=self._settings.video_claim)
