"""A network between a client and a gateway that passes HTTP and, when told so, no WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal, Self
from urllib.parse import urlsplit

# With an error of its own; by dropping the header that asks for it; without a word; by holding it back; or after the
# gateway has agreed: at once, and by passing no frame.
Way = Literal["answer", "strip", "drop", "hang", "cut", "mute"]


class Censor:
    """Passes bytes on, and looks at the head of each connection's first request."""

    def __init__(self, target: str) -> None:
        self.upgrades = 0
        self.refused = 0
        self.requests: list[str] = []
        # Called for each piece of a request: for how many seconds it is held back.
        self.delay: Callable[[], float] = lambda: 0.0
        self._way: Way | None = None
        # So many upgrades are refused, then none; None is all.
        self._left: int | None = None
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._lines: dict[asyncio.StreamWriter, bool] = {}
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def block(self, way: Way = "answer", *, times: int | None = None) -> None:
        """From now on no WebSocket; those that are open are cut."""
        self._way = way
        self._left = times
        self.cut(upgraded=True)

    def allow(self) -> None:
        self._way = None

    def cut(self, *, upgraded: bool) -> None:
        """End every WebSocket, or everything else, as a dead network does."""
        for writer, is_upgraded in self._lines.items():
            if is_upgraded == upgraded:
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._passing.discard(task)
            self._lines.pop(writer, None)
            if not writer.is_closing():
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.split(b"\r\n")[0].decode())
        upgrade = b"upgrade: websocket" in head.lower()
        way = self._blocks() if upgrade else None
        self._lines[writer] = upgrade
        match way:
            case "answer":
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\nConnection: close\r\n\r\nno sockets")
                await writer.drain()
                writer.close()
                return
            case "drop":
                return
            case "hang":
                await asyncio.sleep(60)
                return
            case "strip":
                lines = head.split(b"\r\n")
                head = b"\r\n".join(
                    line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))
                )
        self.upgrades += upgrade and way is None
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await asyncio.sleep(self.delay())
            far_writer.write(head)
            if way in ("cut", "mute"):
                writer.write(await far_reader.readuntil(b"\r\n\r\n"))
                await writer.drain()
                if way == "mute":
                    await reader.read()
                return
            copies = {
                asyncio.create_task(_copy(reader, far_writer, self.delay)),
                asyncio.create_task(_copy(far_reader, writer)),
            }
            try:
                await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for copy in copies:
                    copy.cancel()
                await asyncio.gather(*copies, return_exceptions=True)
        finally:
            far_writer.transport.abort()

    def _blocks(self) -> Way | None:
        if self._way is None or self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        self.refused += 1
        return self._way


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float] = lambda: 0.0
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            await asyncio.sleep(delay())
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        # What is on its way back still is to arrive.
        await asyncio.sleep(0.05)
