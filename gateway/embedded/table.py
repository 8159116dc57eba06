"""The process table: which processes belong to a group, and is a process id still the one we knew."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROC = Path("/proc")


def identity(pid: int) -> str | None:
    """What tells this process from a later one of the same id; None when there is no live process."""
    if (PROC / "self/stat").exists():
        found = _stat(pid)
        return None if found is None or found[0] == "Z" else f"{_boot()}/{found[19]}"
    return _ps("-o", "lstart=", "-p", str(pid)).strip() or None


def members(group: int) -> list[int]:
    """The processes of a group that still run; a zombie is not among them."""
    if not (PROC / "self/stat").exists():
        rows = [line.split() for line in _ps("-A", "-o", "pid=,pgid=,stat=").splitlines()]
        return [int(row[0]) for row in rows if int(row[1]) == group and not row[2].startswith("Z")]
    result: list[int] = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            found = _stat(int(entry.name))
            if found is not None and found[0] != "Z" and int(found[2]) == group:
                result.append(int(entry.name))
    return result


def directory(pid: int) -> Path | None:
    """The working directory of a process, None where it is gone or the system does not tell."""
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def name(pid: int) -> str:
    """The short name of a process, empty when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return Path(_ps("-o", "comm=", "-p", str(pid)).strip()).name


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on: [0] state, [2] group, [19] start time."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command's name stands in parentheses and may hold spaces and parentheses of its own.
    return text.rpartition(")")[2].split()


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _ps(*arguments: str) -> str:
    try:
        done = subprocess.run(["ps", *arguments], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603, S607
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
