"""A client of clamd, ClamAV's daemon: one `INSTREAM` a file, in pieces.

ScannerSilent    it is away, too slow, or says something else; the file is scanned again later
StreamTooLong    it takes no more bytes of this file (clamd's `StreamMaxLength`)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

# What clamd says, in front of the name of what it has found or of what is wrong.
OK: Final = "stream: OK"
FOUND: Final = " FOUND"
TOO_LONG: Final = "INSTREAM size limit exceeded"
ANSWER_BYTES: Final = 4096


class ScannerSilent(Exception):
    """The scanner has given no verdict."""


class StreamTooLong(Exception):
    """The scanner takes fewer bytes than the file has."""


class Clamd:
    def __init__(self, address: str, timeout: float) -> None:
        """`address` is `host:port`; `timeout` is how long it may say nothing, or take no bytes."""
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._timeout = timeout

    async def scan(self, pieces: AsyncIterator[bytes]) -> str:
        """The name of what was found in these bytes, empty for nothing; all pieces are read then.

        Raises ScannerSilent, StreamTooLong, and what the pieces raise.
        """
        reader, writer = await self._connect()
        try:
            if await self._send(writer, b"zINSTREAM\0"):
                async for piece in pieces:
                    # Clamd ends the connection when it has seen enough; then its answer says why.
                    if piece and not await self._send(writer, len(piece).to_bytes(4, "big") + piece):
                        break
                else:
                    await self._send(writer, bytes(4))
            return _verdict(await self._answer(reader))
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.open_connection(self._host, self._port, limit=ANSWER_BYTES)
        except (OSError, TimeoutError) as error:
            raise ScannerSilent(f"the scanner cannot be reached: {error or 'it takes too long'}") from error

    async def _send(self, writer: asyncio.StreamWriter, content: bytes) -> bool:
        """Whether it took the bytes; False when it has ended the connection."""
        try:
            async with asyncio.timeout(self._timeout):
                writer.write(content)
                await writer.drain()
        except TimeoutError as error:
            raise ScannerSilent("the scanner takes no bytes") from error
        except OSError:
            return False
        return True

    async def _answer(self, reader: asyncio.StreamReader) -> str:
        try:
            async with asyncio.timeout(self._timeout):
                with contextlib.suppress(asyncio.IncompleteReadError):
                    return (await reader.readuntil(b"\0"))[:-1].decode(errors="replace").strip()
        except (TimeoutError, OSError, asyncio.LimitOverrunError) as error:
            raise ScannerSilent(f"the scanner does not answer: {error or 'it takes too long'}") from error
        raise ScannerSilent("the scanner has ended the connection")


def _verdict(answer: str) -> str:
    if answer == OK:
        return ""
    if answer.startswith(TOO_LONG):
        raise StreamTooLong(answer)
    if answer.startswith("stream: ") and answer.endswith(FOUND):
        return answer.removeprefix("stream: ").removesuffix(FOUND)
    raise ScannerSilent(f"the scanner says: {answer[:200]}")
