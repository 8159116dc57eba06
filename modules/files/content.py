"""Sends the bytes of files that a browser would run through the gateway, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from modules.files.errors import lost
from modules.files.reading import Reading
from modules.files.storage.s3 import Bucket, NotThere


class Content:
    def __init__(self, reading: Reading, bucket: Bucket) -> None:
        self._reading = reading
        self._bucket = bucket

    async def open(self, token: str, host: str) -> tuple[str, int, AsyncIterator[bytes]]:
        """The name, the size and the bytes of a file, by the token of its URL and the host that it was asked of.

        Raises BadInput `not_found`, Conflict `files.lost`, and Unavailable, also in the middle.
        """
        file, name = await self._reading.content(token, host)
        pieces = self._bucket.stream(file.object_key)
        try:
            # What S3 says at once is still an answer of its own.
            first = await anext(pieces)
        except NotThere:
            raise lost(file.id) from None

        async def whole() -> AsyncIterator[bytes]:
            # A client that leaves in the middle lets S3 go too.
            async with aclosing(pieces):
                yield first
                async for piece in pieces:
                    yield piece

        return name, file.size, whole()
