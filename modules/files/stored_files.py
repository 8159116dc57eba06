"""The storage as siblings use it: what the facade promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid
from modules.files.errors import lost, not_ready
from modules.files.events import FileUnreferenced
from modules.files.facade import FileFacts, Files, Shown
from modules.files.records import FileRecord, shown
from modules.files.references import ReferenceRepository
from modules.files.states import STORED
from modules.files.storage.s3 import Bucket, NotThere


class StoredFiles(Files):
    def __init__(self, kernel: Kernel, references: ReferenceRepository, bucket: Bucket) -> None:
        self._kernel = kernel
        self._references = references
        self._bucket = bucket

    async def attach(
        self, holder: str, file_ids: Sequence[str], *, purpose: str, owner_id: str | None, field: str = "files"
    ) -> list[FileFacts]:
        self._check_inside()
        if len({*file_ids}) != len(file_ids):
            raise invalid("a file stands here twice", field=field)
        await self._references.lock_holder(holder)
        files = await self._references.lock(file_ids, [holder])
        before = {file.id for file in (await self._references.held([holder])).get(holder, ())}
        for id in file_ids:
            file = files.get(id)
            theirs = file is not None and (id in before or owner_id is None or file.owner_id == owner_id)
            if file is None or not theirs or file.purpose != purpose or file.is_gone:
                raise invalid(f"there is no file {id} of yours for this", field=field)
            # What is held already stays, whatever the scanner said: otherwise nothing beside it could change.
            if file.state not in STORED and id not in before:
                raise not_ready(f"the file {id} is {file.state.value}: only what is stored can be used")
        await self._references.hold(holder, file_ids)
        await self._release([holder], files.keys() - {*file_ids})
        facts = await self._references.facts(file_ids)
        return [facts[id] for id in file_ids]

    async def share(self, source: str, holder: str, file_ids: Sequence[str]) -> None:
        self._check_inside()
        shared = await self._references.share(source, holder)
        for id in file_ids:
            if id not in shared:
                raise not_ready(f"the file {id} cannot be used: only what is stored can be")

    async def detach(self, holders: Collection[str]) -> None:
        self._check_inside()
        await self._release(holders, (await self._references.lock((), holders)).keys())

    async def held(self, holders: Collection[str]) -> dict[str, list[FileFacts]]:
        return await self._references.held(holders) if holders else {}

    async def facts(self, file_ids: Collection[str]) -> dict[str, FileFacts]:
        return await self._references.facts(file_ids) if file_ids else {}

    async def verify(self, files: Collection[FileFacts]) -> None:
        self._check_outside()
        records = await self._references.records([file.id for file in files])
        await asyncio.gather(*(self._verify(file, records.get(file.id)) for file in files))

    def shown(self, file: FileFacts) -> Shown:
        return shown(file)

    async def read(self, file: FileFacts) -> bytes:
        key = await self._key(file)
        try:
            return await self._bucket.read(key)
        except NotThere:
            raise lost(file.id) from None

    async def stream(self, file: FileFacts) -> AsyncGenerator[bytes]:
        key = await self._key(file)
        try:
            async for piece in self._bucket.stream(key):
                yield piece
        except NotThere:
            raise lost(file.id) from None

    async def _release(self, holders: Collection[str], file_ids: Collection[str]) -> None:
        for id in await self._references.release(holders, file_ids, clock.now()):
            await self._kernel.events.publish(FileUnreferenced(id))

    async def _verify(self, file: FileFacts, record: FileRecord | None) -> None:
        if record is None or record.is_gone:
            raise lost(file.id)
        try:
            found = await self._bucket.head(record.object_key)
        except NotThere:
            raise lost(file.id) from None
        if found.size != file.size or found.sha256 not in ("", file.sha256):
            raise lost(file.id)

    async def _key(self, file: FileFacts) -> str:
        self._check_outside()
        record = (await self._references.records([file.id])).get(file.id)
        if record is None or record.state not in STORED:
            raise lost(file.id)
        return record.object_key

    def _check_inside(self) -> None:
        if not self._kernel.database.in_transaction:
            raise RuntimeError("files are held in the transaction that writes what holds them")

    def _check_outside(self) -> None:
        if self._kernel.database.in_transaction:
            raise RuntimeError("S3 is not asked inside of a transaction, which would wait for it")
