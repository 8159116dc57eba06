"""A gateway process of its own, to be attacked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devstack import gateways, ports
from devstack.guard import Guard
from gateway.settings import Settings, environment
from tests.gateway_fork import forked_gateway

LOOPBACK = "127.0.0.1"
MIB = 1 << 20


@dataclass(frozen=True)
class Target:
    """A gateway that is ready."""

    process: gateways.Gateway
    port: int
    metrics_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}/realtime"

    def memory(self) -> int:
        """Bytes of memory the process holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> float:
        """Seconds of CPU the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sockets(self) -> int:
        """Files the process has open, sockets among them."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def metric(self, name: str) -> float:
        """A metric without labels."""
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"http://{LOOPBACK}:{self.metrics_port}/metrics", timeout=10.0)).text
        found = re.search(rf"^{name}(?:{{pid=\"\d+\"}})? (\S+)$", text, re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    async def settles(self, connections: int, timeout: float = 15.0) -> None:
        """Wait until it has so many members and no more."""
        until = time.monotonic() + timeout
        while (found := await self.metric("ksmp_connections")) != connections:
            assert time.monotonic() < until, f"{found} connections instead of {connections}"
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def targeted(
    make: Any, folder: Path, guard: Guard, environ: dict[str, str] | None = None, **overrides: Any
) -> AsyncIterator[Target]:
    """Run a gateway; `make` makes the settings, `overrides` are some of them, `environ` the modules' variables."""
    port = ports.choose([])
    metrics_port = ports.choose([port])
    settings: Settings = make(port=port, metrics_address=f"{LOOPBACK}:{metrics_port}", **overrides)
    process = gateways.Gateway(
        1,
        port,
        command=gateways.COMMAND,
        variables=environment(settings) | (environ or {}),
        folder=folder,
        guard=guard,
        report=print,
        fork=forked_gateway,
    )
    await process.start()
    pid = process.pid
    try:
        yield Target(process, port, metrics_port, folder / "logs" / "gateway-1.log")
        assert process.pid == pid, "the gateway died"
    finally:
        await process.stop()
