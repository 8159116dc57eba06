"""Reading files: who may, under which name, and from where the bytes come. It is asked anew for each URL."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, not_found
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.files.checks.media_types import TYPES
from modules.files.errors import not_ready
from modules.files.facade import FileFacts
from modules.files.messages import FileUrl, FileView, file_view, read_view
from modules.files.origin import ContentOrigin
from modules.files.purposes import Purposes
from modules.files.records import RENDITION_TYPES, FileRecord
from modules.files.references import ReferenceRepository
from modules.files.refusals import refused_for
from modules.files.repository import FileRepository
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.storage.s3 import Bucket

# Seconds after which it is worth asking again for a file that is scanned.
CHECKING: Final = 2.0
BYTES: Final = "application/octet-stream"
NOT_PLAIN: Final = re.compile(r'[^ -~]|["\\%]')


class Reading:
    """Each call raises Unavailable, when S3's credentials or PostgreSQL are away."""

    def __init__(
        self,
        kernel: Kernel,
        settings: FilesSettings,
        bucket: Bucket,
        files: FileRepository,
        purposes: Purposes,
        origin: ContentOrigin,
    ) -> None:
        self._settings = settings
        self._bucket = bucket
        self._files = files
        self._references = ReferenceRepository(kernel.database)
        self._purposes = purposes
        self._origin = origin

    async def listed(self, principal: Principal, purpose: str | None, span: Span) -> Page[FileView]:
        """The user's own files, newest first."""
        page = await self._files.listed(principal.id, purpose, span)
        return Page([file_view(file) for file in page.items], page.next)

    async def read(self, principal: Principal, id: str) -> FileView:
        """Raises BadInput `not_found`, also for a file that the user may not read."""
        file, facts = await self._find(id)
        if file.owner_id == principal.id:
            return file_view(file)
        await self._check_reader(principal, facts)
        return read_view(file, await self._purposes.name(principal, facts))

    async def url(self, principal: Principal, id: str, rendition: str, host: str) -> FileUrl:
        """Where the bytes are, for a while. `host` is the address at which the gateway was asked.

        Raises BadInput `not_found`, and Conflict `files.not_ready` or `files.rejected`.
        """
        file, facts = await self._find(id)
        await self._check_reader(principal, facts)
        if file.state is FileState.REJECTED:
            raise refused_for(file.reason)
        if file.state is not FileState.CLEAN:
            raise not_ready("the file is being checked", retry_after=CHECKING)
        seconds = int(self._settings.url_life)
        expires_at = clock.now() + timedelta(seconds=seconds)
        if rendition:
            if rendition not in file.renditions:
                raise not_found("there is no such picture of this file")
            url = await self._bucket.url(file.rendition_key(rendition), "inline", RENDITION_TYPES[rendition], seconds)
            return FileUrl(url, expires_at)
        kind, name = TYPES[file.type], await self._purposes.name(principal, facts)
        if kind.runs:
            return FileUrl(self._origin.url(file.id, name, expires_at, host), expires_at)
        disposition = f"{'inline' if kind.inline else 'attachment'}; {filename(name)}"
        url = await self._bucket.url(file.object_key, disposition, file.type if kind.inline else BYTES, seconds)
        return FileUrl(url, expires_at)

    async def content(self, token: str, host: str) -> tuple[FileRecord, str]:
        """The file of a URL of `ContentOrigin`, and the name under which it is sent. Raises BadInput `not_found`."""
        id, name = self._origin.read(token, host)
        file = await self._files.find(id)
        if file is None or file.is_gone or file.state is not FileState.CLEAN:
            raise _unknown()
        return file, name

    async def _find(self, id: str) -> tuple[FileRecord, FileFacts]:
        file = await self._files.find(id)
        facts = (await self._references.facts([id])).get(id)
        if file is None or facts is None or file.is_gone:
            raise _unknown()
        return file, facts

    async def _check_reader(self, principal: Principal, facts: FileFacts) -> None:
        if not await self._purposes.may_read(principal, facts):
            raise _unknown()


def filename(name: str) -> str:
    """The name for `Content-Disposition` (RFC 6266): plain for old programs, and as it is for all others."""
    plain = NOT_PLAIN.sub("_", name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _unknown() -> BadInput:
    return not_found("there is no such file")
