"""A gateway of several processes: whoever is accepted is served, also while one starts; and they end in time."""

from __future__ import annotations

import asyncio
import json
import signal
from urllib.parse import urlsplit

import psutil
import pytest

from devstack import probe
from gateway.principal import Role
from ksmp_testkit import LOOPBACK
from ksmp_testkit.socket_client import connected
from tests.system.cluster import Cluster, running

WORKERS = 2
# Less than the gateway waits for NATS to take a connection.
HELD = 1.2


class SlowDoor:
    """A way to NATS that lets the first in at once, and everyone later after a while."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._target = (place.hostname, place.port)
        self._entered = 0
        self._lines: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._enter, LOOPBACK, 0)
        return f"nats://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.close()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._entered += 1
        if self._entered > 1:
            await asyncio.sleep(HELD)
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._lines |= {writer, far_writer}
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def health(port: int) -> tuple[int, dict[str, str]]:
    """What whichever process accepts the connection says; status 0 when none does."""
    status, body = await probe.get(f"http://{LOOPBACK}:{port}/health/ready", timeout=20)
    return status, json.loads(body)["parts"] if body else {}


async def test_several_processes(tmp_path_factory: pytest.TempPathFactory, nats: tuple[str, ...]) -> None:
    folder = tmp_path_factory.mktemp("several")
    async with SlowDoor(nats[0]) as door:
        extra = {
            "KSMP_NATS_URL": door,
            "KSMP_ENVIRONMENT": "test",
            "KSMP_FAILPOINTS": "ack.delay=delay:3600",
            "KSMP_DRAIN_TIMEOUT": "60",
            "KSMP_EXIT_TIMEOUT": "2.5",
            # Without a drain the client would be told to come back at once.
            "KSMP_RECONNECT_RATE": "0.001",
            "KSMP_RECONNECT_LEAST": "0",
        }
        async with running(folder, count=1, extra=extra, arguments=("--workers", str(WORKERS))) as cluster:
            await assert_everybody_is_served(cluster)
            await assert_drained_though_work_hangs(cluster)


async def assert_everybody_is_served(cluster: Cluster) -> None:
    """Whichever process accepts a connection is ready, after the start and when one was killed."""
    port = urlsplit(cluster.urls[0]).port
    assert port is not None
    for _ in range(30):
        status, parts = await health(port)
        assert (status, parts["gateway"], parts["processes"]) == (200, "ok", "ok")
    workers = [
        process
        for process in psutil.Process(cluster.gateways[0].pid).children()
        if "spawn_main" in " ".join(process.cmdline())
    ]
    assert len(workers) == WORKERS
    workers[0].send_signal(signal.SIGKILL)
    said: list[str] = []
    async with asyncio.timeout(100):
        while said[-1:] != ["ok"] or "away" not in said:
            status, parts = await health(port)
            # The one that died may have accepted this connection.
            if status:
                assert (status, parts["gateway"]) == (200, "ok")
                said.append(parts["processes"])
            await asyncio.sleep(0.02)


async def assert_drained_though_work_hangs(cluster: Cluster) -> None:
    room = await cluster.create_session("host-0")
    token = cluster.issuer.token("one", name="One", role=Role.STUDENT, ttl=600)
    async with connected(cluster.urls[0], token) as client:
        await client.join(room)
        await client.send("chat.send", room=room, data={"text": "hangs"})
        await client.settle()
        stopping = asyncio.create_task(cluster.stop_gateway(0))
        disconnect = await client.disconnect_push()
        assert disconnect["code"] == 4000
        assert disconnect["retry_ms"] > 0
        assert not stopping.done()
        assert await stopping < 15.0
    assert "Timeout (0:00:02.5" in cluster.gateways[0].log.read_text()
