"""A running `ksmp dev` of the tests' own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from devstack import people, ports, state
from devstack.issuer import DevelopmentIssuer
from devstack.state import State
from gateway.principal import Role
from tests.sessions import create_session

# A busy machine is far slower than an idle one, which needs ten.
START_SECONDS = 170.0

# A company's laptop: what it says about the way out is not for this machine. Nothing listens at port 9.
LAPTOP = {
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "SSL_CERT_FILE": "/nowhere/authorities.pem",
    "SSLKEYLOGFILE": "/nowhere/keys",
    "AWS_PROFILE": "of-no-such-name",
    "AWS_CA_BUNDLE": "/nowhere/authorities.pem",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_SESSION_TOKEN": "of-another-account",
    "PGSSLMODE": "verify-full",
    "PGTARGETSESSIONATTRS": "standby",
    "PGHOST": "nowhere",
    "PGPASSFILE": "/nowhere/passwords",
    "PGDATESTYLE": "of no such kind",
    "NATS_URL": "nats://127.0.0.1:9",
    "WEB_CONCURRENCY": "4",
}


# A test that looks at figures has some of its own.
NO_FIGURES = {"KSMP_ANALYTICS_DEMO": "false"}


class Stack:
    """PostgreSQL, NATS and two gateways; what is killed comes back by itself."""

    def __init__(self, data: Path, known: State, issuer: DevelopmentIssuer) -> None:
        self.data = data
        self._issuer = issuer
        self.gateways: list[str] = list(known.gateways)
        self._database_url = known.database_url

    def token(self, user: str, role: str = "student", *, name: str = "", ttl: float = 3600.0) -> str:
        return self._issuer.token(user, name=name or user, role=Role(role), ttl=ttl)

    async def create_room(self, mentor: str = "dev-mentor") -> str:
        """The room of a new live session, open to everyone."""
        return await create_session(self._database_url, mentor)

    async def kill_gateway(self, number: int) -> None:
        """SIGKILL; `ksmp dev` starts it again."""
        os.kill((await self.pids())[number], signal.SIGKILL)

    async def back(self, number: int, pid: int, seconds: float = 30.0) -> None:
        """Wait until the gateway that was this process is another one, and ready."""
        async with asyncio.timeout(seconds):
            while (await self.pids())[number] == pid:
                await asyncio.sleep(0.05)

    async def pids(self) -> list[int]:
        """The process ids of the gateways, as of when all were there."""
        known = await asyncio.to_thread(state.read, self.data / "dev.json")
        return list(known.pids.gateways)


@contextlib.asynccontextmanager
async def running(folder: Path, **environ: str) -> AsyncIterator[Stack]:
    """Start everything in this folder, and stop it in the end. `environ` are variables of it."""
    data = folder / "data"
    process = await asyncio.to_thread(_start, folder, data, environ)
    try:
        known = await _ready(process, folder, data)
        issuer = await asyncio.to_thread(people.issuer, data / "issuer")
        yield Stack(data, known, issuer)
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 15)
        process.kill()


def _start(folder: Path, data: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    port = ports.choose()
    while not ports.is_free(port + 1):
        port = ports.choose()
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "dev", "--port", str(port), "--data", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | LAPTOP | NO_FIGURES | environ,
            # A Ctrl-C for the tests is not for it: it is stopped in order.
            start_new_session=True,
        )


async def _ready(process: subprocess.Popen[bytes], folder: Path, data: Path) -> State:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return await asyncio.to_thread(state.read, data / "dev.json")
        await asyncio.sleep(0.05)
    raise AssertionError(await asyncio.to_thread((folder / "output").read_text))
