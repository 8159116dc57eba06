"""The guard: whatever kills the parent, no child stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devstack import process_table
from devstack.guard import Guard

from .waiting import gone, until

PROGRAM = Path(__file__).with_name("servers_program.py")


@pytest.fixture
async def parent(data: Path) -> AsyncIterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process with PostgreSQL, a session in it, and NATS, all under its guard; and what it printed."""
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(data)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 15)
    try:
        yield process, json.loads(line)
    finally:
        process.kill()
        process.wait(5)
        process.stdout.close()


async def test_a_killed_parent_leaves_no_child(parent: tuple[subprocess.Popen[str], dict[str, Any]]) -> None:
    process, known = parent
    pids = set(known["pids"].values()) | set(process_table.members(known["group"]))
    assert len(pids) == 4
    assert all(process_table.identity(pid) for pid in pids)
    process.kill()
    await gone(pids, 4)
    assert process_table.members(known["group"]) == []


async def test_the_children_of_a_killed_parent_are_asked_before_they_are_killed(
    parent: tuple[subprocess.Popen[str], dict[str, Any]], data: Path
) -> None:
    process, known = parent
    process.kill()
    await gone(known["pids"].values(), 4)
    assert "database system is shut down" in (data / "logs" / "postgres.log").read_text()


async def test_a_killed_guard_is_replaced_and_does_its_work(
    parent: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, known = parent
    group, first = known["group"], known["pids"]["guard"]
    os.kill(first, signal.SIGKILL)
    await gone([first])
    # PostgreSQL, NATS and the new guard.
    await until(lambda: len(process_table.members(group)) == 3, 5, "another guard")
    process.kill()
    await gone({*known["pids"].values(), *process_table.members(group)}, 4)
    assert process_table.members(group) == []


async def test_a_child_that_ignores_every_request_is_killed() -> None:
    guard = Guard()
    script = "trap '' INT TERM HUP QUIT; echo; while :; do sleep 0.1; done"
    stubborn = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, process_group=guard.group)
    assert stubborn.stdout is not None
    await asyncio.wait_for(asyncio.to_thread(stubborn.stdout.readline), 5)
    begun = time.monotonic()
    await asyncio.to_thread(guard.close)
    # The guard waits for two seconds, and a busy machine takes its time.
    assert 1.5 < time.monotonic() - begun < 20
    assert stubborn.wait(1) == -signal.SIGKILL
    stubborn.stdout.close()


async def test_a_guard_without_children_goes_at_once() -> None:
    async def closed() -> float:
        guard = Guard()
        group = guard.group
        begun = time.monotonic()
        await asyncio.to_thread(guard.close)
        took = time.monotonic() - begun
        assert process_table.members(group) == []
        return took

    # Each would wait for two seconds if it waited for anybody; a busy machine stops a few, and not all.
    assert min([await closed() for _ in range(4)]) < 1.5


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux which signals a process ignores")
async def test_the_guard_is_apart_from_the_terminal_and_in_its_session(guard: Guard) -> None:
    assert guard.group != os.getpgrp()
    assert guard.pid is not None
    assert os.getsid(guard.pid) == os.getsid(0)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    await until(lambda: numbers == tuple(n for n in numbers if ignored(guard.pid) & 1 << n - 1), 5, "deafness")
    for number in numbers:
        os.kill(guard.pid, number)
    await asyncio.sleep(0.2)
    assert process_table.identity(guard.pid)


def ignored(pid: int | None) -> int:
    """The signals a process ignores, bit n - 1 for signal n."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")), 16)
