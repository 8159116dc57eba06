"""A JetStream that cannot store is not healthy, says so, and is used again as soon as it stores."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from nats.js.api import DiscardPolicy

from devstack.guard import Guard
from gateway.bus import log_record
from gateway.errors import Unavailable
from gateway.protocol.names import room_name
from ksmp_testkit import MakeGateway, eventually
from tests.bus.own_server import OwnServer
from tests.realtime.node import Node, node

ROOM = room_name("test:full")
LARGE = "x" * 100_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=False)
    if mount.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def fill(here: Node) -> int:
    """Say things until the log is full; the seq of the last that was acknowledged."""
    last = 0
    for _ in range(200):
        try:
            last = await here.say("test:full", LARGE)
        except Unavailable:
            return last
    raise AssertionError("it is never full")


async def found_healthy_again(here: Node, viewer_texts: Callable[[], int], last: int) -> None:
    await eventually(lambda: here.log.state == "ok", "the log stores again")
    after = await here.say("test:full", "after")
    assert after > last
    await eventually(lambda: viewer_texts() >= 2, "the message")


async def test_a_stream_that_is_full_and_then_has_room(tmp_path: Path, servers_guard: Guard) -> None:
    async with OwnServer(tmp_path, servers_guard) as server, node([server.url], head_interval=0.2) as here:
        viewer = await here.viewer("test:full")
        await here.say("test:full", "before")
        jetstream = here.bus.jetstream
        config = (await jetstream.stream_info(log_record.STREAM)).config
        await jetstream.update_stream(config.evolve(max_bytes=300_000, discard=DiscardPolicy.NEW))
        last = await fill(here)
        assert here.log.state == "full"
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await here.say("test:full", LARGE)
        assert time.monotonic() - started < here.log._publish_timeout
        await jetstream.update_stream(config)
        await found_healthy_again(here, lambda: len(viewer.texts), last)


async def test_a_server_whose_limit_is_reached_and_then_is_not(tmp_path: Path, servers_guard: Guard) -> None:
    limit = {"jetstream": {"max_file_store": 300_000}}
    async with OwnServer(tmp_path, servers_guard, **limit) as server, node([server.url], head_interval=0.2) as here:
        viewer = await here.viewer("test:full")
        await here.say("test:full", "before")
        last = await fill(here)
        assert here.log.state == "full"
        await here.bus.jetstream._jsm.purge_stream(log_record.STREAM, keep=1)
        await found_healthy_again(here, lambda: len(viewer.texts), last)


async def test_a_full_disk_that_has_room_again(disk: Path, servers_guard: Guard) -> None:
    """The server does not answer what it cannot write. It writes again after its restart."""
    async with (
        OwnServer(disk, servers_guard) as server,
        node([server.url], head_interval=0.2, publish_timeout=1.0) as here,
    ):
        viewer = await here.viewer("test:full")
        await here.say("test:full", "before")
        await asyncio.to_thread((disk / "filler").write_bytes, bytes(7 << 20))
        last = await fill(here)
        assert here.log.state == "away"
        await asyncio.to_thread(os.remove, disk / "filler")
        await server.restart()
        await found_healthy_again(here, lambda: len(viewer.texts), last)
        # Nothing that was acknowledged is lost.
        stored, _ = await here.log.read(ROOM, 1)
        assert last in [push.seq for push in stored]


async def test_readiness_says_that_the_log_is_full(gateway: MakeGateway, tmp_path: Path, servers_guard: Guard) -> None:
    async with (
        OwnServer(tmp_path, servers_guard) as server,
        gateway(nats_url=(server.url,), head_interval=0.1) as running,
    ):
        jetstream = running.gateway.bus.jetstream
        config = (await jetstream.stream_info(log_record.STREAM)).config
        await jetstream.update_stream(config.evolve(max_bytes=10_000, discard=DiscardPolicy.NEW))
        with pytest.raises(Unavailable):
            await running.gateway.log.publish(ROOM, bytes(20_000), "id")
        async with httpx.AsyncClient(base_url=running.url) as http:
            ready = await http.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
            assert ready.json()["parts"]["log"] == "full"
            await jetstream.update_stream(config)

            async def healthy() -> bool:
                return "log" not in (await http.get("/health/ready")).json()["parts"]

            await eventually(healthy, "the log stores again")
