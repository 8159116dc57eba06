"""CPU and memory of processes, and the core they run on. Reads /proc, so Linux only; elsewhere nothing is pinned."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far, all their threads; what has ended counts as 0."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def memory(pids: Iterable[int]) -> float:
    """Resident KiB."""
    pages = sum(int((PROC / str(pid) / "statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found += children.get(member, ())
    return found


def pin(pids: Iterable[int], core: int) -> None:
    """Keep all threads of these processes on one core."""
    for pid in pids:
        for task in (PROC / str(pid) / "task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


@functools.cache
def cores() -> tuple[int, int]:
    """The generator's core and the servers' core, the same one where there is no second, as of the first call."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on: [1] parent, [11] user and [12] system time."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
