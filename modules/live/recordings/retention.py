"""Lets recordings go: marks those that were kept for long enough, and deletes the objects of all that are marked.

A marked one is gone for everybody at once. Its objects go afterwards, a page at a time and outside of any transaction,
by the gateway that claims it. One that dies in between leaves the rest to another, when its claim is over.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.aws.s3 import S3
from modules.live.recordings.service import MARKED, tell
from modules.live.settings import LiveSettings
from modules.live.tables import Recording

log = structlog.get_logger(__name__)

# Recordings that are marked in one transaction.
MOST: Final = 100
EXPIRE: Final = f"""
    UPDATE live_recording SET deleted_at = {{}}, rev = rev + 1 WHERE id IN (
        SELECT id FROM live_recording WHERE deleted_at IS NULL AND started_at < {{}}
        ORDER BY started_at LIMIT {{}} FOR UPDATE SKIP LOCKED
    ) RETURNING {MARKED}
"""  # noqa: S608
CLAIM: Final = """
    UPDATE live_recording SET claimed_until = {} WHERE id = (
        SELECT id FROM live_recording WHERE deleted_at IS NOT NULL AND erased_at IS NULL
        AND (claimed_until IS NULL OR claimed_until < {}) ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id, session_id, bucket, prefix
"""
HOLD: Final = "UPDATE live_recording SET claimed_until = {} WHERE id = {}"
ERASED: Final = "UPDATE live_recording SET erased_at = {}, claimed_until = NULL WHERE id = {}"


class Retention:
    """The worker of one gateway. Any number of them may run."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, s3: S3, deleted: asyncio.Event) -> None:
        self._kernel = kernel
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
            try:
                async with asyncio.timeout(self._settings.recording_interval):
                    await self._deleted.wait()
            except TimeoutError:
                pass

    async def _expire(self) -> bool:
        """Mark some that were kept for long enough; whether there may be more."""
        if not self._settings.recording_kept:
            return False
        now = clock.now()
        before = now - timedelta(seconds=self._settings.recording_kept)
        async with self._kernel.database.transaction():
            rows: list[dict[str, Any]] = await Recording.raw(EXPIRE, now, before, MOST)
            await tell(self._kernel, rows)
        return len(rows) == MOST

    async def _erase(self) -> bool:
        """Delete the objects of one that is marked; False when there is none."""
        with self._kernel.database.guard():
            rows = await Recording.raw(CLAIM, self._until(), clock.now())
        if not rows:
            return False
        id, bucket, prefix = rows[0]["id"], rows[0]["bucket"], rows[0]["prefix"]
        try:
            while await self._s3.delete_page(bucket, prefix, self._settings.recording_page):
                with self._kernel.database.guard():
                    await Recording.raw(HOLD, self._until(), id)
        except Unavailable:
            # It is tried again a moment later, after the others; by who dies with it when their claim is over.
            with self._kernel.database.guard():
                await Recording.raw(HOLD, clock.now() + timedelta(seconds=self._settings.video_backoff), id)
            raise
        with self._kernel.database.guard():
            await Recording.raw(ERASED, clock.now(), id)
        log.info("recordings.erased", session=rows[0]["session_id"], recording=id)
        return True

    def _until(self) -> datetime:
        return clock.now() + timedelta(seconds=self._settings.video_claim)
