"""What the files module consists of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.aws.service import AwsConfig
from gateway.aws.signature import access_key
from gateway.circuit_breaker import CircuitBreaker
from gateway.contract import Kernel, Module
from gateway.settings import Settings
from gateway.tasks import end
from modules.files import avatar_routes, errors, routes
from modules.files.avatars import Avatars
from modules.files.content import Content
from modules.files.events import EVENTS
from modules.files.lifecycle import FileLifecycle
from modules.files.origin import ContentOrigin, check_origin
from modules.files.personal_data import PersonalData
from modules.files.purposes import Purposes
from modules.files.reading import Reading
from modules.files.references import ReferenceRepository
from modules.files.removal import Removal
from modules.files.renditions.service import Renditions
from modules.files.repository import FileRepository
from modules.files.scanning.due_scans import DueScans
from modules.files.scanning.rescans import Rescans
from modules.files.scanning.scanning import Scanning
from modules.files.settings import FilesSettings, with_bucket
from modules.files.storage.s3 import SERVICE, Bucket
from modules.files.stored_files import StoredFiles
from modules.files.sweep.sweep import Sweep
from modules.files.tables import FileRow
from modules.files.uploads import Uploads


class FilesModule(Module):
    """Files in S3 that other modules share: uploaded straight to the bucket, checked, and read by those who may."""

    name = "files"
    requires = ("accounts",)
    settings_type = FilesSettings
    emits = EVENTS
    tables = (FileRow,)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    @classmethod
    def examine(cls, settings: FilesSettings, *, production: bool) -> str:
        check_origin(settings, production=production)
        if settings.bucket == "auto" and not production:
            return f"files go to the stand-in's bucket; {_scanned(settings)}"
        if settings.bucket in ("", "auto"):
            return "no bucket: nothing can be uploaded (KSMP_FILES_BUCKET)"
        return f"files go to the bucket {settings.bucket}; {_scanned(settings)}"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        core: Settings = kernel.settings(Settings)
        settings = with_bucket(kernel.settings(FilesSettings), core)
        self.bucket = bucket = Bucket(
            AwsConfig(core.aws_region, core.aws_endpoint, settings.s3_timeout),
            settings.bucket,
            CircuitBreaker(settings.s3_failures, settings.s3_pause, f"{SERVICE} does not answer"),
            access_key(settings.signer, "KSMP_FILES_SIGNER"),
        )
        self.rows = rows = FileRepository(kernel.database)
        self.lifecycle = lifecycle = FileLifecycle(kernel, rows)
        self.contributions = (StoredFiles(kernel, ReferenceRepository(kernel.database), bucket),)
        self._personal_data = PersonalData(kernel.database)
        self.removal = removal = Removal(rows, lifecycle, bucket)
        self.scanning = scanning = Scanning(kernel, settings, bucket, rows, lifecycle, removal)
        self.due_scans = DueScans(kernel, settings)
        self.sweep = Sweep(kernel, settings, bucket, rows, lifecycle, removal)
        purposes = Purposes(kernel)
        origin = ContentOrigin(settings, production=core.environment == "production")
        uploads = Uploads(kernel, settings, bucket, rows, lifecycle, purposes, removal, running_types=origin.is_there)
        reading = Reading(kernel, settings, bucket, rows, purposes, origin)
        self.avatars = avatars = Avatars(kernel, settings, bucket, rows)
        renditions = Renditions(kernel, settings, bucket, rows, lifecycle, purposes)
        self.features = (lifecycle, scanning, avatars, renditions)
        self.content = content = Content(reading, bucket)
        rescans = Rescans(kernel, rows, lifecycle)
        self.routes = (
            routes.router(uploads, reading, content, rescans, settings),
            avatar_routes.router(avatars),
        )

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self._personal_data.held(user)

    async def forget(self, user: str) -> Collection[str]:
        await self.avatars.release(user)
        await self._personal_data.forget(user, clock.now())
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        await self.bucket.open()
        # Without a bucket there are no files.
        workers = (self.due_scans, self.sweep) if self.bucket.name else ()
        running = [asyncio.get_running_loop().create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await end(running)
            await self.bucket.close()


def _scanned(settings: FilesSettings) -> str:
    if not settings.scanner:
        return "nothing scans them (KSMP_FILES_SCANNER)"
    silent = "wait while it is silent" if settings.scan_fail_closed else "pass unscanned while it is silent"
    return f"{settings.scanner} scans them, and they {silent}"
