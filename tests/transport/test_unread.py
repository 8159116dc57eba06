"""A client that reads its answer slowly is served; one that reads nothing is cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.server import ServerState

from gateway.settings import Settings
from gateway.transport.http import HttpConfig, HttpProtocol


class Wire(asyncio.Transport):
    """A transport whose client reads as much as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 1_000_000
        self.looks = 0
        self.cut = asyncio.Event()
        self.looked = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        self.looks += 1
        if self.looks > 1:
            self.looked.set()
        return self.unread

    def is_closing(self) -> bool:
        return self.cut.is_set()

    def abort(self) -> None:
        self.cut.set()

    def close(self) -> None:
        pass


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


async def test_who_reads_slowly_goes_on_and_who_reads_nothing_is_cut_off() -> None:
    limits: dict[str, Any] = {"read_timeout": 0.02}
    settings = Settings(database_url="", nats_url=("",), issuer="", jwks_url="https://x", client_ids=("",), **limits)
    config = HttpConfig(nothing, settings, log_config=None)
    protocol = HttpProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(wire)
    protocol.pause_writing()
    wire.unread -= 1
    async with asyncio.timeout(5):
        await wire.looked.wait()
        assert not wire.cut.is_set()
        await wire.cut.wait()
    protocol.connection_lost(None)
