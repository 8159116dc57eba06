"""Local NATS: one server, or a cluster of three on loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType

from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.natsserver import NatsServer, keep_ports
from devstack.process import Report, end_leftover, pid_file
from devstack.task_group import run_all

__all__ = ["NatsCluster", "NatsServer"]

TIMEOUT = 30.0


class NatsCluster:
    """`nodes` servers (1 or 3) under one folder, named nats-1, nats-2, …

    The number of nodes is part of the data: a folder made with another number is refused, because the
    streams of a lone server are not taken over by a cluster.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 1,
        guard: Guard | None = None,
        restart: bool = True,
        report: Report | None = None,
    ) -> None:
        self.servers: list[NatsServer] = []
        self._folder = folder.absolute()
        self._names = [f"nats-{number}" for number in range(1, nodes + 1)]
        self._guard = guard
        self._restart = restart
        self._report = report

    @property
    def urls(self) -> tuple[str, ...]:
        """Where clients connect, one URL a server; known once started."""
        return tuple(server.url for server in self.servers)

    @property
    def pids(self) -> list[int]:
        """The ids of the servers that run."""
        return [server.pid for server in self.servers if server.pid is not None]

    @property
    def up(self) -> bool:
        """Whether every server runs and was ready."""
        return bool(self.servers) and all(server.up for server in self.servers)

    async def start(self) -> None:
        """Start every server and wait for a leader that sees them all. Raises DevStackError."""
        for name in self._names:
            await asyncio.to_thread(end_leftover, pid_file(self._folder, name))
        listen = await asyncio.to_thread(keep_ports, self._folder / "nats", self._names)
        self.servers = [
            NatsServer(
                self._folder,
                name=name,
                listen=listen[name],
                cluster=listen if len(listen) > 1 else None,
                guard=self._guard,
                restart=self._restart,
                report=self._report,
            )
            for name in self._names
        ]
        try:
            await run_all(*(server.start() for server in self.servers))
            await self._wait_for_leader()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop every server, all at once."""
        await asyncio.gather(*(server.stop() for server in self.servers))

    async def leader(self) -> NatsServer | None:
        """The server that leads the meta group and sees every other one, None without one."""
        for server in self.servers:
            meta = await server.meta()
            if meta.leader == server.name and len(meta.replicas) == len(self.servers) - 1:
                return server if all(peer.current and not peer.offline for peer in meta.replicas) else None
        return None

    async def _wait_for_leader(self) -> None:
        if len(self.servers) == 1:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                while await self.leader() is None:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DevStackError(
                f"The NATS cluster had no leader within {TIMEOUT:.0f} s; see {self._folder / 'logs'}."
            ) from None

    async def __aenter__(self) -> NatsCluster:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
