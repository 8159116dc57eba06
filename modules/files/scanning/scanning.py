"""Scans a file in quarantine, and lets it pass or rejects it.

S3 has compared a file that came whole with its checksum. One that came in parts is read here and compared, because S3
knows the parts alone. The same bytes go to the scanner. Without a verdict the file stays in quarantine and is scanned
again later, after waits that grow; a setting lets it pass after a while (`KSMP_FILES_SCAN_FAIL_CLOSED`).

All of it may happen more than once, on two gateways too: the first that writes the step of the file wins.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from enum import StrEnum

import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import Unavailable
from modules.files import metrics as files_metrics
from modules.files.checks.inspection import CHECKSUM
from modules.files.events import FileStored, ScanDue
from modules.files.lifecycle import FileLifecycle
from modules.files.records import FileRecord
from modules.files.removal import Removal
from modules.files.repository import FileRepository
from modules.files.scanning import metrics
from modules.files.scanning.clamd import Clamd, ScannerSilent, StreamTooLong
from modules.files.scanning.repository import ScanRepository
from modules.files.settings import ScanSettings
from modules.files.states import FileState
from modules.files.storage.s3 import Bucket, NotThere

log = structlog.get_logger(__name__)

# Why a file is rejected here, besides `checksum`.
INFECTED = "infected"
LOST = "lost"
TOO_LARGE = "unscannable"


class Outcome(StrEnum):
    """What a scan came to, in the row of its file."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNED = "unscanned"
    """The scanner was silent for long, and a setting lets files pass then."""
    TOO_LARGE = "too_large"
    """The scanner takes no file of this size."""
    NONE = "none"
    """There is no scanner."""


class Refused(Exception):
    """The file is rejected, for this reason."""

    def __init__(self, reason: str, outcome: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome


class Scanning:
    def __init__(
        self,
        kernel: Kernel,
        settings: ScanSettings,
        bucket: Bucket,
        files: FileRepository,
        lifecycle: FileLifecycle,
        removal: Removal,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._bucket = bucket
        self._files = files
        self._lifecycle = lifecycle
        self._removal = removal
        self._scans = ScanRepository(kernel.database)
        self._clamd = Clamd(settings.scanner, settings.scan_timeout) if settings.scanner else None
        self._turns = asyncio.Semaphore(settings.scan_at_once)

    @listener(FileStored, "files.scan", transactional=False)
    async def stored(self, event: FileStored, delivery: Delivery) -> None:
        await self.scan(event.file_id)

    @listener(ScanDue, "files.scan_again", transactional=False)
    async def due(self, event: ScanDue, delivery: Delivery) -> None:
        await self.scan(event.file_id)

    async def scan(self, id: str) -> None:
        """Scan a file, if it is in quarantine. Raises Unavailable without PostgreSQL."""
        async with self._turns:
            file = await self._files.find(id)
            if file is None or file.state is not FileState.QUARANTINED or file.deleting_at is not None:
                return
            await self._scans.begin(id, clock.now() + timedelta(seconds=self._settings.scan_claim))
            begun = time.perf_counter()
            try:
                outcome = await self._outcome(file)
            except NotThere:
                await self._reject(file, Refused(LOST))
            except Refused as refused:
                await self._reject(file, refused)
            except (ScannerSilent, Unavailable) as error:
                await self._fail(file, error)
            else:
                await self._pass(file, outcome)
                metrics.seconds.observe(time.perf_counter() - begun)

    async def _outcome(self, file: FileRecord) -> Outcome:
        """Raises Refused, ScannerSilent, NotThere and Unavailable."""
        if self._clamd is None:
            await self._compare(file)
            return Outcome.NONE
        if file.size > self._settings.scan_bytes:
            return await self._unscannable(file)
        sha256 = hashlib.sha256()
        try:
            async with aclosing(self._read(file, sha256)) as pieces:
                found = await self._clamd.scan(pieces)
        except StreamTooLong:
            return await self._unscannable(file)
        except ScannerSilent as silent:
            metrics.silent.set(1)
            if self._waits(file):
                raise
            log.warning("scan.passed_unscanned", file=file.id, reason=str(silent))
            await self._compare(file)
            return Outcome.UNSCANNED
        metrics.silent.set(0)
        if found:
            log.warning("scan.infected", file=file.id, owner=file.owner_id, purpose=file.purpose, found=found)
            raise Refused(INFECTED, Outcome.INFECTED)
        if sha256.hexdigest() != file.sha256:
            raise Refused(CHECKSUM)
        return Outcome.CLEAN

    async def _unscannable(self, file: FileRecord) -> Outcome:
        if not self._settings.scan_pass_large:
            raise Refused(TOO_LARGE, Outcome.TOO_LARGE)
        await self._compare(file)
        return Outcome.TOO_LARGE

    async def _compare(self, file: FileRecord) -> None:
        """Compare a file that came in parts with its checksum."""
        if file.upload_id is None:
            return
        sha256 = hashlib.sha256()
        async with aclosing(self._read(file, sha256)) as pieces:
            async for _ in pieces:
                pass
        if sha256.hexdigest() != file.sha256:
            raise Refused(CHECKSUM)

    async def _read(self, file: FileRecord, sha256: hashlib._Hash) -> AsyncGenerator[bytes, None]:
        async for piece in self._bucket.stream(file.object_key):
            sha256.update(piece)
            yield piece

    def _waits(self, file: FileRecord) -> bool:
        """Whether the file waits on for a scanner that is silent."""
        if self._settings.scan_fail_closed or file.stored_at is None:
            return True
        return clock.now() - file.stored_at < timedelta(seconds=self._settings.scan_patience)

    async def _pass(self, file: FileRecord, outcome: Outcome) -> None:
        async with self._kernel.database.transaction():
            if await self._lifecycle.clear(file.id) is None:
                return
            await self._scans.note(file.id, outcome)
        metrics.scans.labels(outcome).inc()

    async def _reject(self, file: FileRecord, refused: Refused) -> None:
        async with self._kernel.database.transaction():
            rejected = await self._lifecycle.reject(file.id, refused.reason)
            if rejected is None:
                return
            await self._scans.note(file.id, refused.outcome)
        metrics.scans.labels(refused.reason).inc()
        files_metrics.rejected.labels(refused.reason).inc()
        log.warning("files.rejected", file=file.id, purpose=file.purpose, reason=refused.reason)
        await self._removal.try_to_remove(rejected)

    async def _fail(self, file: FileRecord, error: Exception) -> None:
        metrics.scans.labels("failed").inc()
        log.warning("scan.failed", file=file.id, reason=str(error))
        settings = self._settings
        first, most = timedelta(seconds=settings.scan_first_wait), timedelta(seconds=settings.scan_most_wait)
        await self._scans.fail(file.id, clock.now(), first, most)
