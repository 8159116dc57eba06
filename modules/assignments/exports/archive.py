"""The archive of an assignment: a folder for each submission, and a manifest at the end that names everything.

What cannot be read is named in the manifest. Where S3 does not answer the archive breaks off: without its end no
program opens it, so half of one is never taken for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from gateway.errors import Conflict
from modules.assignments.exports.file_names import UniqueNames, safe_name
from modules.assignments.exports.manifest import (
    ArchiveHead,
    Entry,
    Manifest,
    ManifestWork,
    as_csv,
    as_json,
    is_whole,
    manifest_work,
)
from modules.assignments.exports.works import EntryState, Work, WorkFile
from modules.assignments.exports.zip_writer import ZipWriter
from modules.files.facade import FileFacts, FileState

# A zip knows no year before this one. It stands where the real moment would say who it is.
NO_MOMENT: Final = datetime(1980, 1, 1)
UNREAD: Final = {
    FileState.PENDING: EntryState.BEING_CHECKED,
    FileState.QUARANTINED: EntryState.BEING_CHECKED,
    FileState.REJECTED: EntryState.REJECTED,
    FileState.DELETED: EntryState.LOST,
}


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Objects(Protocol):
    """The part of the storage that an archive reads."""

    async def facts(self, file_ids: list[str]) -> Mapping[str, FileFacts]: ...

    def stream(self, file: FileFacts) -> AsyncGenerator[bytes]:
        """Its bytes in order. Raises Conflict `files.lost`, only before the first of them, and Unavailable."""


class Archive:
    """One archive while it is written."""

    def __init__(self, objects: Objects, head: ArchiveHead) -> None:
        self._objects = objects
        self._head = head
        self._zip = ZipWriter()
        self._folders = UniqueNames()
        # So that nobody's folder is called like the manifests, which stand beside them.
        self._folders.take("manifest.csv")
        self._folders.take("manifest.json")
        self._works: list[ManifestWork] = []

    async def pieces(self, works: AsyncIterator[list[Work]]) -> AsyncGenerator[bytes]:
        """The bytes of the archive. Raises Unavailable when S3 does not answer: then the archive has no end."""
        try:
            async for batch in works:
                facts = await self._objects.facts([file.id for work in batch for file in work.files])
                for work in batch:
                    async with aclosing(self._work(work, facts)) as pieces:
                        async for piece in pieces:
                            yield piece
            manifest = Manifest(self._head, is_whole(self._works), self._works)
            for path, text in (
                ("manifest.csv", await asyncio.to_thread(as_csv, manifest)),
                ("manifest.json", await asyncio.to_thread(as_json, manifest)),
            ):
                yield await asyncio.to_thread(self._whole, path, self._head.made_at, text)
            yield self._zip.finish()
        finally:
            # An entry that is open would complain when it is collected.
            self._zip.end()

    async def _work(self, work: Work, facts: Mapping[str, FileFacts]) -> AsyncGenerator[bytes]:
        folder = self._folders.take(_folder(work))
        at = work.turned_in or NO_MOMENT
        entries: list[Entry] = []
        for name, type, text in _written(work):
            path = f"{folder}/{name}"
            yield await asyncio.to_thread(self._whole, path, at, text)
            entries.append(Entry(path, name, type, len(text), sha256(text).hexdigest(), EntryState.THERE))
        for number, file in enumerate(work.files, 1):
            found = facts.get(file.id)
            state = EntryState.LOST if found is None else UNREAD.get(found.state, EntryState.THERE)
            path = ""
            if found is not None and state is EntryState.THERE:
                path = f"{folder}/{_file_name(number, file)}"
                digest = sha256()
                try:
                    async with aclosing(self._file(path, at, found, digest)) as pieces:
                        async for piece in pieces:
                            yield piece
                    state = EntryState.THERE if digest.hexdigest() == file.sha256 else EntryState.CHANGED
                except Conflict:
                    state, path = EntryState.LOST, ""
            entries.append(Entry(path, file.name, file.type, file.size, file.sha256, state))
        self._works.append(manifest_work(work, entries))

    async def _file(self, path: str, at: datetime, file: FileFacts, digest: Hash) -> AsyncGenerator[bytes]:
        begun = False
        async with aclosing(self._objects.stream(file)) as pieces:
            async for piece in pieces:
                # Only now: a file that is lost is in no directory.
                head = b"" if begun else self._zip.begin(path, at)
                begun = True
                yield head + await asyncio.to_thread(self._part, piece, digest)
        yield self._zip.end()

    def _part(self, piece: bytes, digest: Hash) -> bytes:
        digest.update(piece)
        return self._zip.write(piece)

    def _whole(self, path: str, at: datetime, text: bytes) -> bytes:
        return self._zip.begin(path, at) + self._zip.write(text) + self._zip.end()


def _written(work: Work) -> Iterator[tuple[str, str, bytes]]:
    """What was not uploaded: name, media type, bytes."""
    if work.text:
        yield "text.txt", "text/plain", work.text.encode()
    if work.link:
        # Not a file that opens the link by itself.
        yield "link.txt", "text/plain", work.link.encode()
    if work.answers:
        yield "answers.json", "application/json", msgspec.json.format(msgspec.json.encode(work.answers), indent=1)


def _folder(work: Work) -> str:
    late = f" - {work.days_late} day{'s' if work.days_late > 1 else ''} late" if work.days_late else ""
    return safe_name(work.name, "student") + late


def _file_name(number: int, file: WorkFile) -> str:
    return f"{number:02} {safe_name(file.name, 'file')}"
