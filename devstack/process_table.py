"""The process table: which processes belong to a group, and is a process id still the one we knew."""

from __future__ import annotations

import os
from pathlib import Path

import psutil


def identity(pid: int) -> str | None:
    """A mark that tells this process from a later one of the same id; None when there is no live process."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Seconds since the boot: a change of the clock moves both times, and leaves the difference as it was.
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except psutil.Error:
        return None


def members(group: int) -> list[int]:
    """The processes of a group that still run; a zombie is not among them."""
    return [pid for pid in psutil.pids() if _group(pid) == group and identity(pid) is not None]


def directory(pid: int) -> Path | None:
    """The working directory of a process, None where it is gone or the system does not tell."""
    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def name(pid: int) -> str:
    """The short name of a process, empty when it is gone."""
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
