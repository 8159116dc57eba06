"""Walks over the bucket, page by page, and deletes what no file knows.

An object has a row before anybody can upload it, and an upload in parts soon after it began. So one that is older than
any upload may be, and has no row, belongs to nobody. When a page has many of those, they are left alone and an alarm is
raised: the gateway may have the database of another bucket.

An object of a file that is gone came back by a form that was still good. It is deleted at once, however many there are:
otherwise whoever deletes and uploads again would store what no quota counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from modules.files.removal import ROOT
from modules.files.settings import SweepSettings
from modules.files.storage.s3 import Bucket
from modules.files.sweep import metrics
from modules.files.sweep.repository import SweepRepository

log = structlog.get_logger(__name__)

PAGE: Final = 1000
# Of one look; the next one goes on, on any gateway.
PAGES: Final = 10


class BucketWalk:
    def __init__(self, rows: SweepRepository, bucket: Bucket, settings: SweepSettings) -> None:
        self._rows = rows
        self._bucket = bucket
        self._settings = settings
        self._left = 0

    async def look(self, now: datetime) -> None:
        """Go on with the walk, if it is due. Raises Unavailable; then it goes on from here later."""
        until = now + timedelta(seconds=self._settings.sweep_claim)
        after = await self._rows.claim_walk(now, until)
        if after is None:
            return
        if not after:
            self._left = 0
        for _ in range(PAGES):
            found = await self._page(after, now)
            if found is None:
                await self._uploads(now)
                metrics.orphans_left.set(self._left)
                await self._rows.go_on("", now + timedelta(seconds=self._settings.orphan_interval))
                return
            after = found
            await self._rows.go_on(after, until)
        await self._rows.go_on(after, now)

    async def _page(self, after: str, now: datetime) -> str | None:
        """Delete what is unknown behind this key. The last key, None behind the last page."""
        listed = await self._bucket.objects(ROOT, after, PAGE)
        of = {one.key: _file_of(one.key) for one in listed}
        known = await self._rows.known({*of.values()})
        before = self._before(now)
        unknown = [one.key for one in listed if of[one.key] not in known and one.modified_at <= before]
        # Their rows say that this is the bucket of our database, and that nobody needs them, however new they are.
        back = [key for key, file_id in of.items() if known.get(file_id)]
        if len(unknown) > self._settings.orphan_most:
            self._left += len(unknown)
            log.error("sweep.orphans_left", objects=len(unknown), of=len(listed), bucket=self._bucket.name)
            unknown = []
        for key in unknown + back:
            await self._bucket.delete(key)
            metrics.orphans.labels("object").inc()
            log.info("sweep.orphan_deleted", key=key)
        return listed[-1].key if len(listed) == PAGE else None

    async def _uploads(self, now: datetime) -> None:
        """Abort the uploads in parts that are unknown."""
        old = [one async for one in self._bucket.uploads(ROOT) if one.begun_at <= self._before(now)]
        known = await self._rows.known_uploads([one.upload_id for one in old])
        for one in old:
            if one.upload_id not in known:
                await self._bucket.abort_parts(one.key, one.upload_id)
                metrics.orphans.labels("upload").inc()
                log.info("sweep.orphan_aborted", key=one.key)

    def _before(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self._settings.orphan_age)


def _file_of(key: str) -> str:
    return key.removeprefix(ROOT).partition("/")[0]
