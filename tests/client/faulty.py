"""A bad line between a client and a gateway: it can be cut, lose what the server says, or repeat it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ksmp_client.address import realtime_url

Message = dict[str, Any]


class Faulty:
    """Passes JSON messages on in both directions. `copies` says how often one of the server's arrives."""

    def __init__(self, target: str) -> None:
        self.copies: Callable[[Message], int] = lambda message: 1
        self.sent: list[Message] = []
        self.connections = 0
        self._target = realtime_url(target)
        self._server: Server | None = None
        self._lines: set[ServerConnection] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._pass, "127.0.0.1", 0, subprotocols=["ksmp.v1.json"])  # type: ignore[list-item]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection as a dead network does: without a word."""
        for line in self._lines:
            line.transport.abort()

    async def _pass(self, near: ServerConnection) -> None:
        self.connections += 1
        async with connect(self._target, subprotocols=["ksmp.v1.json"], max_size=None) as far:  # type: ignore[list-item]
            self._lines.add(near)
            outward = asyncio.create_task(self._outward(near, far))
            try:
                async for data in far:
                    for _ in range(self.copies(msgspec.json.decode(data, type=Message))):
                        await near.send(data)
            except ConnectionClosed:
                pass
            finally:
                self._lines.discard(near)
                outward.cancel()
        await near.close(far.close_code or 1000)

    async def _outward(self, near: ServerConnection, far: ClientConnection) -> None:
        try:
            async for data in near:
                self.sent.append(msgspec.json.decode(data, type=Message))
                await far.send(data)
        except ConnectionClosed:
            pass
        finally:
            await far.close()
