"""A viewer that enters the room and never reads again."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from urllib.parse import urlsplit

from loadtests.bench.dialects import Dialect

# Small segments and a small window keep the server's socket from taking megabytes before it is full.
SEGMENT = 536
WINDOW = 4096
ESTABLISHED = "01"


class StalledViewer:
    """A bare WebSocket that can be told to stop reading; implements `loadtests.bench.dialects.Client`."""

    def __init__(self, url: str, dialect: Dialect) -> None:
        self._url = urlsplit(url)
        self._dialect = dialect
        self._socket = socket.socket()
        self._buffer = b""
        self._numbers = 0
        self.joined: object = None
        self.latest = b""
        self.pushed = 0
        self._settled: dict[int, str] = {}

    async def enter(self, token: str) -> None:
        """Connect and join, and read no more."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        self._socket.setblocking(False)
        address = (self._url.hostname, self._url.port)
        await asyncio.get_running_loop().sock_connect(self._socket, address)
        path = self._url.path + (f"?{self._url.query}" if self._url.query else "")
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {self._url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            await self._read()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        await self._dialect.enter(self, token)

    @property
    def closed(self) -> bool:
        """Whether the server closed its end. It can be seen there alone: what announces it stands in a full window."""
        ours, servers = self._socket.getsockname()[1], self._url.port
        with open("/proc/net/tcp") as table:
            for line in table:
                _, local, remote, state, *_ = line.split()
                if local.endswith(f":{servers:04X}") and remote.endswith(f":{ours:04X}"):
                    return state != ESTABLISHED
        return True

    def leave(self) -> None:
        self._socket.close()

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def write(self, payload: bytes) -> None:
        """Send a text frame, masked with zeros."""
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
        self._socket.sendall(head + bytes(4) + payload)

    async def answer(self, key: int) -> None:
        async with asyncio.timeout(10):
            while key not in self._settled:
                await self._next()
        if refused := self._settled[key]:
            raise RuntimeError(refused)

    def settle(self, key: int, value: object = None, *, refused: str = "") -> None:
        self._settled[key] = refused

    def dismiss(self, seconds: float) -> None:
        """It does not read that either."""

    async def _next(self) -> None:
        head = await self._take(2)
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(await self._take(2), "big")
        payload = await self._take(size)
        if head[0] & 0x0F == 1:
            self._dialect.received(self, payload)

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._read()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    async def _read(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data
