"""Uploads: who may begin one, its parts, and the check of what has arrived.

The bytes go straight to the bucket. What is signed for that names the key, the size and the checksum, so nothing else
can be uploaded with it, also later. S3 is asked outside of transactions. When it does not answer, nothing is lost: the
same request succeeds later.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec
import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, Code, Conflict, Unavailable, invalid, not_found
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.files import metrics
from modules.files.checks.inspection import Inspector, Rejected
from modules.files.checks.media_types import TYPES, MediaType, canonical, media_type_of
from modules.files.checks.names import clean_name
from modules.files.errors import not_uploaded, type_refused
from modules.files.facade import Allowance
from modules.files.lifecycle import FileLifecycle
from modules.files.messages import (
    MOST_PARTS,
    BegunFile,
    FileView,
    NewFile,
    PartsState,
    PartState,
    PartsToSend,
    PartUrl,
    PartUrls,
    Upload,
    file_view,
)
from modules.files.purposes import Purposes
from modules.files.quotas import Quotas
from modules.files.records import FileRecord
from modules.files.refusals import refused_for
from modules.files.removal import Removal, folder_of
from modules.files.repository import FileRepository
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.storage.objects import StoredPart
from modules.files.storage.s3 import Bucket, NotThere

log = structlog.get_logger(__name__)

# Numbers of parts that an answer names.
NAMED: Final = 20


class Uploads:
    """Each call raises Unavailable, when S3 or PostgreSQL does not answer."""

    def __init__(
        self,
        kernel: Kernel,
        settings: FilesSettings,
        bucket: Bucket,
        files: FileRepository,
        lifecycle: FileLifecycle,
        purposes: Purposes,
        removal: Removal,
        *,
        running_types: bool,
    ) -> None:
        """`running_types` says whether there is an origin from which what a browser would run can be served."""
        self._kernel = kernel
        self._settings = settings
        self._bucket = bucket
        self._files = files
        self._lifecycle = lifecycle
        self._purposes = purposes
        self._removal = removal
        self._running_types = running_types
        self._quotas = Quotas(files, settings)
        self._inspector = Inspector(bucket, settings.image_pixels)
        self._completing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, principal: Principal, new: NewFile, at: datetime) -> BegunFile:
        """Let a user upload a file; `at` is when they asked.

        Raises BadInput `invalid`, `too_large`, `files.type_refused` and what the purpose raises, and Conflict
        `files.quota_exceeded`.
        """
        purpose = self._purposes.find(new.purpose)
        if purpose is None:
            raise invalid("there is no such purpose", field="purpose")
        allowance = await purpose.admit(principal, new.target)
        if purpose.names_filtered:
            await self._kernel.filters.check(new, Author.of(principal))
        kind = self._allowed(new, allowance)
        file = self._pending(principal, new, kind, allowance.quota, at)
        # Most are told before S3 begins anything for them.
        await self._check_quotas(file)
        async with _counted("begin"):
            if file.part_bytes is not None:
                # When no row follows, the sweep aborts it.
                upload_id = await self._bucket.begin_parts(file.object_key, file.type)
                file = msgspec.structs.replace(file, upload_id=upload_id)
            upload = await self._upload(file)
        async with self._kernel.database.transaction():
            await self._quotas.lock(principal.id, allowance.quota)
            await self._check_quotas(file)
            await self._files.insert(file)
        metrics.begun.labels(file.purpose, upload.method).inc()
        return BegunFile(file_view(file), upload)

    async def part_urls(self, principal: Principal, id: str, wanted: PartsToSend) -> PartUrls:
        """Where to put some parts. A part that is sent again replaces what was sent before.

        Raises BadInput `not_found` and `invalid`, and Conflict for an upload that is over or has no parts.
        """
        file, upload_id = await self._in_parts(principal, id)
        if max(part.number for part in wanted.parts) > file.parts:
            raise invalid(f"the file has {file.parts} parts", field="parts")
        seconds = int(self._settings.upload_life)
        async with _counted("parts"):
            signed = await self._bucket.part_urls(
                file.object_key,
                upload_id,
                [(part.number, _size_of(file, part.number), part.sha256) for part in wanted.parts],
                seconds,
            )
        urls = [PartUrl(part.number, *one) for part, one in zip(wanted.parts, signed, strict=True)]
        return PartUrls(urls, clock.now() + timedelta(seconds=seconds))

    async def parts(self, principal: Principal, id: str) -> PartsState:
        """The parts that have arrived, so that the others can be sent. Raises as `part_urls`."""
        file, upload_id = await self._in_parts(principal, id)
        assert file.part_bytes is not None
        try:
            async with _counted("parts"):
                stored = await self._bucket.parts(file.object_key, upload_id)
        except NotThere:
            # S3 has put them together, and we have not heard its answer: what is left to do is to complete.
            stored = [StoredPart(number, _size_of(file, number), "") for number in range(1, file.parts + 1)]
        good = [part for part in stored if part.size == _size_of(file, part.number)]
        found = [PartState(part.number, part.size, part.sha256) for part in good]
        return PartsState(file.part_bytes, file.parts, found)

    async def complete(self, principal: Principal, id: str) -> FileView:
        """Check what was uploaded. Done again, also at the same moment, it answers the same.

        Raises BadInput `not_found`, and Conflict `files.not_uploaded` or `files.rejected`.
        """
        # Several requests of one gateway wait for the first one.
        async with self._completing.setdefault(id, asyncio.Lock()):
            file = await self._own(principal, id)
            if file.state is FileState.PENDING:
                file = await self._checked(file)
        if file.state is FileState.REJECTED:
            raise refused_for(file.reason)
        if file.is_gone:
            raise _unknown()
        return file_view(file)

    async def delete(self, principal: Principal, id: str) -> None:
        """Delete a file that nothing holds. Raises BadInput `not_found`, and Conflict when something holds it."""
        await self._own(principal, id)
        file = await self._lifecycle.begin_deletion(id)
        if file is None:
            raise Conflict("the file is in use: take it out of what holds it")
        if not await self._removal.try_to_remove(file):
            metrics.unavailable.labels("delete").inc()
        elif file.state is FileState.REJECTED:
            # Its owner has read why.
            await self._lifecycle.delete(id)

    async def _checked(self, file: FileRecord) -> FileRecord:
        """The file after the check. Raises Conflict `files.not_uploaded`, and Unavailable: then it is as before."""
        try:
            async with _counted("complete"):
                if file.upload_id is not None:
                    await self._join_parts(file, file.upload_id)
                found = await self._inspector.inspect(file)
        except Rejected as refusal:
            return await self._reject(file, refusal.reason)
        except NotThere:
            now = await self._again(file)
            if now.state is not FileState.PENDING:
                return now
            if file.upload_id is not None:
                # Another gateway has begun to put them together.
                raise not_uploaded("the parts are being put together", retry_after=1.0) from None
            raise not_uploaded("the file is not in the bucket yet: upload it first") from None
        stored = await self._lifecycle.store(file.id, found.width, found.height)
        if stored is None:
            # Another request was faster.
            return await self._again(file)
        metrics.stored.labels(file.purpose).inc()
        metrics.stored_bytes.labels(file.purpose).inc(file.size)
        metrics.sizes.observe(file.size)
        return stored

    async def _join_parts(self, file: FileRecord, upload_id: str) -> None:
        """Raises Conflict `files.not_uploaded` when a part is missing, or is not as long as it must be."""
        try:
            parts = await self._bucket.parts(file.object_key, upload_id)
        except NotThere:
            # Somebody has put them together already, perhaps this very request, whose answer was lost.
            return
        good = {part.number: part for part in parts if part.size == _size_of(file, part.number)}
        missing = [number for number in range(1, file.parts + 1) if number not in good]
        if missing:
            named = ", ".join(map(str, missing[:NAMED]))
            raise not_uploaded(f"{len(missing)} parts are missing: {named}{' …' if len(missing) > NAMED else ''}")
        with contextlib.suppress(NotThere):
            await self._bucket.complete_parts(
                file.object_key, upload_id, [good[number] for number in range(1, file.parts + 1)]
            )

    async def _reject(self, file: FileRecord, reason: str) -> FileRecord:
        rejected_file = await self._lifecycle.reject(file.id, reason)
        if rejected_file is None:
            return await self._again(file)
        metrics.rejected.labels(reason).inc()
        log.info("file.rejected", file=file.id, purpose=file.purpose, reason=reason)
        await self._removal.try_to_remove(rejected_file)
        return rejected_file

    async def _again(self, file: FileRecord) -> FileRecord:
        """The file as it is now."""
        now = await self._files.find(file.id)
        if now is None:
            raise _unknown()
        return now

    async def _own(self, principal: Principal, id: str) -> FileRecord:
        """A file of this user. That of somebody else is as one that does not exist."""
        file = await self._files.find(id)
        if file is None or file.owner_id != principal.id or file.is_gone:
            raise _unknown()
        return file

    async def _in_parts(self, principal: Principal, id: str) -> tuple[FileRecord, str]:
        file = await self._own(principal, id)
        if file.upload_id is None:
            raise Conflict("the file is not uploaded in parts")
        if file.state is not FileState.PENDING:
            raise Conflict("the upload is over")
        return file, file.upload_id

    def _allowed(self, new: NewFile, allowance: Allowance) -> MediaType:
        known = [TYPES[canonical(name)] for name in allowance.types if canonical(name) in TYPES]
        types = [one.name for one in known if self._running_types or not one.runs]
        kind = media_type_of(new.type, new.name, types)
        if kind is None or kind.name not in types:
            metrics.refused.labels("type").inc()
            raise type_refused(types)
        if new.size > allowance.most_bytes:
            metrics.refused.labels("size").inc()
            raise BadInput(Code.TOO_LARGE, f"a file may have {allowance.most_bytes} bytes here", field="size")
        return kind

    def _pending(self, principal: Principal, new: NewFile, kind: MediaType, quota: str, at: datetime) -> FileRecord:
        id = new_id()
        parted = new.size >= self._settings.multipart_bytes
        return FileRecord(
            id=id,
            owner_id=principal.id,
            purpose=new.purpose,
            target=new.target,
            quota=quota,
            name=clean_name(new.name, kind),
            type=kind.name,
            size=new.size,
            sha256=new.sha256,
            object_key=f"{folder_of(id)}{secrets.token_hex(16)}",
            part_bytes=max(self._settings.part_bytes, -(-new.size // MOST_PARTS)) if parted else None,
            begun_at=at,
            expires_at=at + timedelta(seconds=self._settings.upload_life),
        )

    async def _upload(self, file: FileRecord) -> Upload:
        if file.part_bytes is not None:
            return Upload("parts", file.expires_at, part_bytes=file.part_bytes, parts=file.parts)
        form = await self._bucket.upload_form(
            file.object_key, file.size, file.type, file.sha256, int(self._settings.upload_life)
        )
        return Upload("form", file.expires_at, form.url, form.fields)

    async def _check_quotas(self, file: FileRecord) -> None:
        try:
            await self._quotas.check(file.owner_id, file.quota, file.size)
        except Conflict:
            metrics.refused.labels("quota").inc()
            raise


@asynccontextmanager
async def _counted(what: str) -> AsyncIterator[None]:
    try:
        yield
    except Unavailable:
        metrics.unavailable.labels(what).inc()
        raise


def _size_of(file: FileRecord, number: int) -> int:
    """How long this part must be."""
    assert file.part_bytes is not None
    return min(file.part_bytes, file.size - (number - 1) * file.part_bytes)


def _unknown() -> BadInput:
    return not_found("there is no such file of yours")
