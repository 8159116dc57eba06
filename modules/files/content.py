"""Sends the bytes of files that a browser would run through the gateway, and no others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from modules.files.errors import lost
from modules.files.reading import Reading
from modules.files.records import FileRecord
from modules.files.storage.s3 import Bucket, NotThere

# Bytes that are asked of S3 at once. No connection is held while a client takes them, however long it takes: clients
# that read slowly, or not at all, would use up the connections that uploads need.
PIECE: Final = 1024 * 1024


class Content:
    def __init__(self, reading: Reading, bucket: Bucket) -> None:
        self._reading = reading
        self._bucket = bucket

    async def open(self, token: str, host: str) -> tuple[str, int, AsyncGenerator[bytes, None]]:
        """The name, the size and the bytes of a file, by the token of its URL and the host that it was asked of.

        Raises BadInput `not_found`, Conflict `files.lost`, and Unavailable, also in the middle.
        """
        file, name = await self._reading.content(token, host)
        pieces = self._pieces(file)
        # What S3 says at once is still an answer of its own.
        first = await anext(pieces)

        async def whole() -> AsyncGenerator[bytes, None]:
            async with aclosing(pieces):
                yield first
                async for piece in pieces:
                    yield piece

        return name, file.size, whole()

    async def _pieces(self, file: FileRecord) -> AsyncGenerator[bytes, None]:
        for start in range(0, file.size, PIECE):
            try:
                piece = await self._bucket.read(file.object_key, start, min(start + PIECE, file.size))
            except NotThere:
                raise lost(file.id) from None
            yield piece
