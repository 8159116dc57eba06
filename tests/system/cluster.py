"""PostgreSQL, NATS and gateway processes that a test may kill and bring back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import nats

from devstack import gateways, people, ports
from devstack.guard import Guard
from devstack.issuer import DevelopmentIssuer
from devstack.nats import NatsCluster
from devstack.natsserver import NatsServer
from devstack.postgres import Postgres
from devstack.process import Child
from devstack.stack import prepare_database
from gateway.settings import Settings, read
from tests.gateway_fork import forked_gateway
from tests.sessions import create_session


class Cluster:
    """Everything of one deployment on loopback; ends only what it started."""

    def __init__(
        self,
        folder: Path,
        guard: Guard,
        *,
        nats_nodes: int = 1,
        extra: dict[str, str] | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.postgres = Postgres(folder, guard=guard, restart=False)
        self.nats = NatsCluster(folder, nodes=nats_nodes, guard=guard, restart=False)
        self.gateways: list[Child] = []
        self.urls: list[str] = []
        self.metrics: list[str] = []
        self._guard = guard
        self._extra = extra or {}
        self._command = (*gateways.COMMAND, *arguments)
        self.issuer: DevelopmentIssuer = people.issuer(folder / "issuer")

    async def start(self, count: int = 2) -> None:
        await asyncio.gather(self.postgres.start(), self.nats.start())
        chosen: list[int] = []
        while len(chosen) < count:
            chosen.append(ports.choose(chosen))
        for number, port in enumerate(chosen, 1):
            scraped = ports.choose(chosen)
            variables = gateways.variables(
                port,
                ports=chosen,
                database_url=self.postgres.url,
                nats_url=self.nats.urls,
                issuer=self.folder / "issuer",
                environ=self._extra,
                metrics_port=scraped,
            )
            if number == 1:
                await prepare_database(read(Settings, variables))
            gateway = gateways.Gateway(
                number,
                port,
                command=self._command,
                variables=variables,
                folder=self.folder,
                guard=self._guard,
                report=lambda line: None,
                # Several processes that share a port load what their variables say.
                fork=forked_gateway if self._command == gateways.COMMAND else None,
            )
            self.gateways.append(gateway._child)
            self.urls.append(f"ws://127.0.0.1:{port}/realtime")
            self.metrics.append(f"http://127.0.0.1:{scraped}/metrics")
        await asyncio.gather(*(gateway.start() for gateway in self.gateways))

    async def stop(self) -> None:
        await asyncio.gather(*(gateway.stop() for gateway in self.gateways))
        await asyncio.gather(self.nats.stop(), self.postgres.stop())

    async def kill_gateway(self, number: int) -> None:
        """SIGKILL; its supervisor starts it again."""
        self.gateways[number].kill()

    async def stop_gateway(self, number: int) -> float:
        """SIGTERM; after how many seconds the process has ended. Its supervisor starts it again."""
        child = self.gateways[number]
        pid, begun = child.pid, time.monotonic()
        child.kill(signal.SIGTERM)
        while child.pid == pid:
            await asyncio.sleep(0.02)
        return time.monotonic() - begun

    async def wait_up(self, number: int) -> None:
        async with asyncio.timeout(30):
            while not self.gateways[number].up:
                await asyncio.sleep(0.05)

    def cpu_seconds(self, number: int) -> float:
        """What the gateway's present process has used so far; Linux only."""
        fields = Path(f"/proc/{self.gateways[number].pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def kill_nats(self, away: float) -> None:
        """SIGKILL to every NATS server, which stay away for so many seconds."""
        for server in self.nats.servers:
            server.kill()
        await asyncio.sleep(away)
        await asyncio.gather(*(server.start() for server in self.nats.servers))

    async def stop_postgres(self, away: float) -> None:
        await self.postgres.stop()
        await asyncio.sleep(away)
        await self.postgres.start()

    async def stream_leader(self) -> NatsServer:
        """The server that leads the stream ROOMS."""
        client = await nats.connect(servers=list(self.nats.urls))
        try:
            info = await client.jetstream().stream_info("ROOMS")
        finally:
            await client.close()
        assert info.cluster is not None
        return next(server for server in self.nats.servers if server.name == info.cluster.leader)

    async def kill_leader(self, server: NatsServer, away: float) -> None:
        server.kill()
        await asyncio.sleep(away)
        await server.start()

    async def create_session(self, mentor: str) -> str:
        """A live session of the open demo program; its room's name."""
        return await create_session(self.postgres.url, mentor)

    async def archived(self, room: str) -> list[int]:
        connection = await asyncpg.connect(self.postgres.url)
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(
                "SELECT seq FROM room_push WHERE room = $1 ORDER BY seq", room
            )
        finally:
            await connection.close()
        return [row["seq"] for row in rows]


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    *,
    nats_nodes: int = 1,
    count: int = 2,
    extra: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> AsyncIterator[Cluster]:
    """`extra` are variables of the gateways, `arguments` those of `ksmp serve`."""
    async with Guard() as guard:
        cluster = Cluster(folder, guard, nats_nodes=nats_nodes, extra=extra, arguments=arguments)
        try:
            await cluster.start(count)
            yield cluster
        finally:
            await cluster.stop()
