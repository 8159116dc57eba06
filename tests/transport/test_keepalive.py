"""One timer pings all connections; who answers in time stays, whatever the process was busy with."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
import uvloop

from gateway.transport.keepalive import KeepAlive


class Connection(asyncio.Protocol):
    """One whose client may answer."""

    def __init__(self, keepalive: KeepAlive, asked: socket.socket | None) -> None:
        self.keepalive = keepalive
        self.asked = asked
        self.pongs = 0
        self.gone = asyncio.Event()
        self.done = asyncio.Event()

    def ping(self, payload: bytes) -> None:
        if self.asked is not None:
            self.asked.sendall(payload)

    def data_received(self, data: bytes) -> None:
        assert self.keepalive.answered(self, data)
        assert not self.keepalive.answered(self, data), "nobody asked a second time"
        self.pongs += 1
        if self.pongs == 3:
            self.done.set()

    def ping_timeout(self) -> None:
        self.gone.set()


class Busy(asyncio.Protocol):
    """Holds the event loop for longer than a pong may take, and the pong comes meanwhile."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client

    def data_received(self, data: bytes) -> None:
        self.client.sendall(data)
        time.sleep(0.1)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
async def test_a_pong_that_has_come_is_read_before_its_lack_is_found(run: object) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        keepalive = KeepAlive(loop, interval=0.02, timeout=0.02)
        pairs = [socket.socketpair() for _ in range(3)]
        (ours, client), (busy, asked), (silent_ours, _) = pairs
        answers, silent = Connection(keepalive, asked), Connection(keepalive, None)
        await loop.create_connection(lambda: answers, sock=ours)
        await loop.create_connection(lambda: Busy(client), sock=busy)
        await loop.create_connection(lambda: silent, sock=silent_ours)
        keepalive.enter(answers)
        keepalive.enter(silent)
        async with asyncio.timeout(10):
            await answers.done.wait()
            await silent.gone.wait()
        assert not answers.gone.is_set()
        keepalive.leave(answers)
        for pair in pairs:
            for link in pair:
                link.close()

    await asyncio.to_thread(run, main())  # type: ignore[operator]
