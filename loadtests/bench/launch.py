"""Starts a peer on the servers' core, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import msgspec

from devstack import ports
from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.dialects import Dialect, KsmpDialect, NaiveDialect, SocketIoDialect
from loadtests.bench.process import cores, family, pin

SOCKET_IO: Final = Path(__file__).parent / "peers/socketio"
READY: Final = 20.0


class Peer(msgspec.Struct):
    """A running peer. `pids` are what counts as its server; `extras` are printed beside it, by name."""

    urls: list[str]
    dialect: Dialect
    pids: list[int]
    extras: dict[str, list[int]]
    tokens: Callable[[int], list[str]]
    room: str = ""


Launch = Callable[[], AbstractAsyncContextManager[Peer]]


@contextlib.asynccontextmanager
async def ksmp(gateways: int = 1) -> AsyncIterator[Peer]:
    """The full path. The gateways get the servers' core; NATS and PostgreSQL stay on the generator's."""
    async with stack.running(gateways) as running:
        pin(running.gateway_pids, cores()[1])

        def tokens(count: int) -> list[str]:
            return list(many_tokens(Path(running.data), Role.STUDENT, count=count, prefix="bench", ttl=3600))

        yield Peer(
            urls=running.sockets,
            dialect=KsmpDialect(running.room),
            pids=running.gateway_pids,
            extras={"nats": running.nats_pids, "postgres": family(running.postgres_pid)},
            tokens=tokens,
            room=running.room,
        )


@contextlib.asynccontextmanager
async def socketio() -> AsyncIterator[Peer]:
    """Socket.IO on node; installed from its lock file on the first use."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("the Socket.IO peer needs node 20 or newer; leave it out with --peers ksmp,naive")
    if not (SOCKET_IO / "node_modules/socket.io").exists():
        npm = shutil.which("npm") or "npm"
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        await asyncio.to_thread(subprocess.run, install, cwd=SOCKET_IO, check=True, stdout=subprocess.DEVNULL)
    port = ports.choose()
    async with _server([node, "server.js", str(port)], port, folder=SOCKET_IO) as pid:
        url = f"ws://{ports.LOOPBACK}:{port}/socket.io/?EIO=4&transport=websocket"
        yield Peer(urls=[url], dialect=SocketIoDialect(), pids=[pid], extras={}, tokens=_no_tokens)


@contextlib.asynccontextmanager
async def naive() -> AsyncIterator[Peer]:
    """The naive Litestar handler on the uvicorn, loop and WebSocket implementation that the gateway uses."""
    port = ports.choose()
    command = [sys.executable, "-m", "uvicorn", "loadtests.bench.peers.naive:app", "--port", str(port)]
    command += ["--ws", "websockets-sansio", "--loop", "uvloop", "--http", "httptools", "--log-level", "error"]
    command += ["--ws-per-message-deflate", "false", "--host", ports.LOOPBACK]
    async with _server(command, port, folder=Path.cwd()) as pid:
        url = f"ws://{ports.LOOPBACK}:{port}/"
        yield Peer(urls=[url], dialect=NaiveDialect(), pids=[pid], extras={}, tokens=_no_tokens)


PEERS: Final[dict[str, Launch]] = {"ksmp": ksmp, "socketio": socketio, "naive": naive}


@contextlib.asynccontextmanager
async def _server(command: list[str], port: int, *, folder: Path) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.DEVNULL)
    try:
        pin([process.pid], cores()[1])
        async with asyncio.timeout(READY):
            while not await _listens(port):
                if process.returncode is not None:
                    raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
                await asyncio.sleep(0.05)
        pin([process.pid], cores()[1])
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(ports.LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


def _no_tokens(count: int) -> list[str]:
    return [""] * count
