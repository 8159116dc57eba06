"""Resetting a connection, whatever state it is in."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from gateway.transport.reset import reset


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
async def test_one_that_is_closed_already(run: object) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        lost = asyncio.Event()

        class Client(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                lost.set()

        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(Client, *server.sockets[0].getsockname())
        # As the server does when it is made; uvloop remembers the socket, and it has no descriptor later.
        transport.get_extra_info("socket")
        transport.close()
        await lost.wait()
        reset(transport)
        server.close()

    await asyncio.to_thread(run, main())  # type: ignore[operator]
