"""The check of an uploaded object: is it what was announced, and what its type says?"""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import Final

import imagesize  # type: ignore[import-untyped]
import msgspec

from modules.files.checks.heif_size import heif_size
from modules.files.checks.media_types import HEIF, TYPES, MediaType
from modules.files.checks.zip_directory import BrokenZip, entries, has_macros, holds
from modules.files.records import FileRecord
from modules.files.storage.s3 import Bucket

# Why an object is not what was announced.
SIZE: Final = "size"
CHECKSUM: Final = "checksum"
SIGNATURE: Final = "signature"
ARCHIVE: Final = "archive"
MACROS: Final = "macros"
PICTURE: Final = "picture"


class Rejected(Exception):
    """The object is refused, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Inspection(msgspec.Struct, frozen=True):
    """What was found out; pixels of a picture, as it is shown."""

    width: int | None = None
    height: int | None = None


class Inspector:
    """Reads no more of an object than it needs: its beginning, and the end of a zip."""

    def __init__(self, bucket: Bucket, most_pixels: int) -> None:
        self._bucket = bucket
        self._most_pixels = most_pixels

    async def inspect(self, file: FileRecord) -> Inspection:
        """Raises Rejected, NotThere and Unavailable."""
        await self._check_object(file)
        kind = TYPES[file.type]
        head = await self._bucket.read(file.object_key, 0, min(kind.head, file.size))
        # A megabyte of text, or the head of a picture that somebody has made up, takes a moment.
        if not await asyncio.to_thread(kind.looks, head):
            raise Rejected(SIGNATURE)
        if kind.entries is not None:
            await self._check_archive(file, kind.entries)
        return await self._picture(kind, head)

    async def _check_object(self, file: FileRecord) -> None:
        found = await self._bucket.head(file.object_key)
        if found.size != file.size:
            raise Rejected(SIZE)
        if file.upload_id is not None:
            # S3 has checked each part. The whole is hashed when it is scanned.
            return
        sha256 = found.sha256 or await self._hash(file.object_key)
        if sha256 != file.sha256:
            raise Rejected(CHECKSUM)

    async def _hash(self, key: str) -> str:
        """For a store that keeps no checksums; the object is smaller than one that comes in parts."""
        sha256 = hashlib.sha256()
        async for piece in self._bucket.stream(key):
            sha256.update(piece)
        return sha256.hexdigest()

    async def _check_archive(self, file: FileRecord, beginnings: tuple[str, ...]) -> None:
        async def read(start: int, end: int) -> bytes:
            return await self._bucket.read(file.object_key, start, end)

        try:
            names = await entries(file.size, read)
        except BrokenZip:
            raise Rejected(ARCHIVE) from None
        if not holds(names, beginnings):
            raise Rejected(SIGNATURE)
        if beginnings and has_macros(names):
            raise Rejected(MACROS)

    async def _picture(self, kind: MediaType, head: bytes) -> Inspection:
        if not kind.picture:
            return Inspection()
        if kind.name == HEIF:
            width, height = heif_size(head)
        else:
            width, height = await asyncio.to_thread(imagesize.get, io.BytesIO(head))
        if width <= 0 or height <= 0 or width * height > self._most_pixels:
            raise Rejected(PICTURE)
        return Inspection(width, height)
