"""A client whose test decides when it reads and what it answers. It uses `websockets` without its IO."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

TIMEOUT = 10.0


class RawClient:
    """JSON over one TCP connection; answers neither pings nor close frames unless told to."""

    def __init__(self, link: socket.socket, url: str) -> None:
        self._link = link
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol("ksmp.v1.json")], max_size=None)
        self._events: list[Any] = []
        self.pings = 0

    async def handshake(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        await self.flush()
        while not self._events:
            assert await self._receive(), "the handshake was cut off"
        response = self._events.pop(0)
        assert isinstance(response, Response)
        assert response.status_code == 101

    async def send(self, message: dict[str, Any]) -> None:
        self._protocol.send_text(json.dumps(message).encode())
        await self.flush()

    async def send_bytes(self, data: bytes) -> None:
        """Write to the TCP connection as it is."""
        await asyncio.get_running_loop().sock_sendall(self._link, data)

    async def flush(self) -> None:
        """Write what the protocol has ready, answers to pings included."""
        await self.send_bytes(b"".join(self._protocol.data_to_send()))

    async def next(self) -> dict[str, Any] | Close | None:
        """The next message, the server's close frame, or None at the end of the TCP connection."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                while self._events:
                    frame = self._events.pop(0)
                    assert isinstance(frame, Frame)
                    match frame.opcode:
                        case Opcode.TEXT:
                            message: dict[str, Any] = json.loads(bytes(frame.data))
                            return message
                        case Opcode.CLOSE:
                            return Close.parse(bytes(frame.data))
                        case Opcode.PING:
                            self.pings += 1
                if not await self._receive():
                    return None

    async def ok(self, id: int) -> Any:
        """Read up to the reply to this id."""
        while True:
            message = await self.next()
            assert isinstance(message, dict), message
            if message.get("id") == id:
                return message["ok"]

    async def _receive(self) -> bool:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._link, 65_536)
        except ConnectionResetError:
            return False
        if not data:
            return False
        self._protocol.receive_data(data)
        self._events += self._protocol.events_received()
        return True


@contextlib.asynccontextmanager
async def raw(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[RawClient]:
    """A client after its handshake; the TCP connection is cut at the end."""
    link = socket.socket()
    try:
        if receive_buffer is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", port))
        client = RawClient(link, f"ws://127.0.0.1:{port}/realtime")
        await client.handshake()
        yield client
    finally:
        link.close()
