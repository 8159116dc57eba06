"""Runs a `ksmp dev` for one measurement."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from devstack import ports
from loadtests.bench.process import cores, family, pin

LIMIT = 120.0


class Stack(msgspec.Struct):
    """The addresses and tokens of a running `ksmp dev`, from its `dev.json`, and its data folder."""

    gateways: list[str]
    room: str
    tokens: dict[str, str]
    pids: dict[str, object]
    data: str = ""
    database_url: str = ""
    nats_url: str = ""
    aws_endpoint: str = ""

    @property
    def gateway_pids(self) -> list[int]:
        pids = self.pids["gateways"]
        return [int(pid) for pid in pids] if isinstance(pids, list) else []

    @property
    def nats_pids(self) -> list[int]:
        pids = self.pids["nats"]
        return [int(pid) for pid in pids] if isinstance(pids, list) else []

    @property
    def postgres_pid(self) -> int:
        return int(str(self.pids["postgres"]))

    @property
    def sockets(self) -> list[str]:
        return [url.replace("http", "ws", 1) + "/realtime" for url in self.gateways]


@contextlib.asynccontextmanager
async def running(gateways: int, **settings: str) -> AsyncIterator[Stack]:
    """Start `ksmp dev` in a temporary folder with these variables besides, and stop it afterwards."""
    with tempfile.TemporaryDirectory(prefix="ksmp-bench-") as folder:
        data = Path(folder) / "data"
        # Ports next to each other are needed; a free one is most likely followed by free ones.
        command = [sys.executable, "-m", "gateway.cli", "dev", "--data", str(data)]
        command += ["--gateways", str(gateways), "--port", str(ports.choose())]
        # A benchmark sends faster than a person may.
        environ = {**os.environ, "KSMP_CHAT_RATE_COUNT": "100000", "KSMP_COMMAND_RATE": "10000"}
        environ["KSMP_COMMAND_BURST"] = "10000"
        # As in production. Under `ksmp dev` a thread watches the event loop, which costs 3 % of a core.
        environ["KSMP_STALL_LOG"] = "0"
        environ |= settings
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
        try:
            state = data / "dev.json"
            async with asyncio.timeout(LIMIT):
                while not state.exists():
                    if process.poll() is not None:
                        raise SystemExit("ksmp dev ended; run it by itself to see why")
                    await asyncio.sleep(0.1)
            stack = msgspec.json.decode(state.read_bytes(), type=Stack)
            stack.data = str(data)
            yield stack
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, 20)


@contextlib.asynccontextmanager
async def placed(**settings: str) -> AsyncIterator[Stack]:
    """Run a `ksmp dev` whose gateway has a core to itself. Everything else shares the other core with this process."""
    async with running(1, **settings) as found:
        generator, server = cores()
        pin(found.gateway_pids, server)
        pin([*found.nats_pids, *family(found.postgres_pid)], generator)
        pin([os.getpid()], generator)
        yield found
