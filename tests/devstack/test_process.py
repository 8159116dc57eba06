"""A child: ready or a sentence that says why not, back when it dies, gone when it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devstack import process, process_table
from devstack.errors import DevStackError
from devstack.process import Child, pid_file

from .waiting import gone, until


def child(folder: Path, script: str, **options: Any) -> Child:
    """A child that runs a shell script and is ready when it has made the file `ready`."""

    async def ready() -> bool:
        return await asyncio.to_thread((folder / "ready").exists)

    return Child("worker", ["/bin/sh", "-c", script], folder=folder, directory=folder, ready=ready, **options)


async def test_start_waits_until_ready_and_stop_ends_it(tmp_path: Path) -> None:
    worker = child(tmp_path, "echo hello; sleep 0.2; touch ready; exec sleep 60")
    await worker.start()
    pid = worker.pid
    assert pid is not None
    assert (tmp_path / "ready").exists()
    assert worker.log.read_text() == "hello\n"
    await worker.stop()
    assert worker.pid is None
    assert process_table.identity(pid) is None
    assert not pid_file(tmp_path, "worker").exists()


async def test_one_that_dies_comes_back_and_is_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    worker = child(tmp_path, "touch ready; exec sleep 60", report=lines.append)
    await worker.start()
    try:
        seen = {worker.pid}
        for round_ in (1, 2):
            worker.kill()
            await until(lambda: worker.pid not in {None, *seen} and len(lines) == 2 * round_, 5, "the restart")
            seen.add(worker.pid)
        assert lines == [
            "worker was ended by SIGKILL; it is started again",
            f"worker is back as process {sorted(pid for pid in seen if pid)[1]}",
            "worker was ended by SIGKILL; it is started again",
            f"worker is back as process {worker.pid}",
        ]
        assert worker.deaths == 2
    finally:
        await worker.stop()


async def test_a_restart_that_fails_is_tried_again(tmp_path: Path) -> None:
    lines: list[str] = []
    worker = child(
        tmp_path, "test -e broken && { echo x >> tries; exit 3; }; touch ready; exec sleep 60", report=lines.append
    )
    await worker.start()
    try:
        (tmp_path / "broken").touch()
        (tmp_path / "ready").unlink()
        worker.kill()
        await until(lambda: (tmp_path / "tries").exists() and len((tmp_path / "tries").read_text()) > 4, 5, "retries")
        (tmp_path / "broken").unlink()
        await until(lambda: worker.pid is not None and "is back" in lines[-1], 5, "the restart")
        # Three failures of one kind are one line.
        assert len(lines) == 3
        assert lines[1].startswith("worker ended with status 3: it said nothing; see ")
    finally:
        await worker.stop()


async def test_without_restart_it_stays_away_until_started(tmp_path: Path) -> None:
    worker = child(tmp_path, "touch ready; exec sleep 60", restart=False)
    await worker.start()
    worker.kill()
    await asyncio.wait_for(worker.died(), 5)
    await asyncio.sleep(0.3)
    assert worker.pid is None
    await worker.start()
    assert worker.pid is not None
    await worker.stop()


async def test_one_that_ignores_the_signal_is_killed_after_its_time(tmp_path: Path) -> None:
    worker = child(
        tmp_path, "trap '' TERM; touch ready; while :; do sleep 0.1; done", stop_steps=((signal.SIGTERM, 0.3),)
    )
    await worker.start()
    pid = worker.pid
    assert pid is not None
    begun = time.monotonic()
    await worker.stop()
    # It ends by the kill alone, however busy the machine is.
    assert time.monotonic() - begun >= 0.3
    assert process_table.identity(pid) is None


async def test_one_that_ends_before_it_is_ready_tells_its_last_error(tmp_path: Path) -> None:
    worker = child(tmp_path, "echo '2026-01-01 [7] FATAL:  no room'; echo bye; exit 1")
    with pytest.raises(DevStackError, match=r"^worker ended with status 1: FATAL:  no room; see .*worker\.log\.$"):
        await worker.start()
    assert worker.pid is None


async def test_only_the_present_run_is_quoted(tmp_path: Path) -> None:
    script = "test -e old && exit 1; touch old; echo 'OldError: x'; exit 1"
    for said in ("OldError: x", "it said nothing"):
        with pytest.raises(DevStackError, match=f"^worker ended with status 1: {said}; "):
            await child(tmp_path, script).start()


async def test_one_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    worker = child(tmp_path, "exec sleep 60", ready_timeout=0.3)
    starting = asyncio.create_task(worker.start())
    await until(lambda: worker.pid, 5, "the process")
    pid = worker.pid
    assert pid is not None
    with pytest.raises(DevStackError, match=r"was not ready within 0 s"):
        await starting
    assert process_table.identity(pid) is None


async def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    worker = Child("worker", [str(tmp_path / "nothing")], folder=tmp_path, ready=lambda: asyncio.sleep(0, True))
    with pytest.raises(DevStackError, match=r"^worker cannot be started: No such file or directory\.$"):
        await worker.start()


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    worker = child(tmp_path, "exec sleep 60")
    starting = asyncio.create_task(worker.start())
    await until(lambda: worker.pid, 5, "the process")
    pid = worker.pid
    assert pid is not None
    starting.cancel()
    await asyncio.wait({starting}, timeout=5)
    assert starting.cancelled()
    assert process_table.identity(pid) is None


async def test_a_leftover_of_a_killed_parent_is_ended_first(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "60"])
    kept = pid_file(tmp_path, "worker")
    kept.parent.mkdir()
    kept.write_text(f"{left.pid} {process_table.identity(left.pid)}\n")
    worker = child(tmp_path, "touch ready; exec sleep 60")
    await worker.start()
    await worker.stop()
    assert left.wait(5) == -signal.SIGINT


async def test_a_later_process_of_the_same_id_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        kept = pid_file(tmp_path, "worker")
        kept.parent.mkdir()
        kept.write_text(f"{other.pid} some-other-boot/12345\n")
        process.end_leftover(kept)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.3)
        assert not kept.exists()
    finally:
        other.kill()
        other.wait(5)


async def test_a_log_that_grew_too_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 10)
    for text in ("the first run", "the second run"):
        # What the first run left would say that the second is ready before it has said anything.
        (tmp_path / "ready").unlink(missing_ok=True)
        worker = child(tmp_path, f"echo {text}; touch ready; exec sleep 60")
        await worker.start()
        await worker.stop()
    assert worker.log.read_text() == "the second run\n"
    assert worker.log.with_suffix(".log.1").read_text() == "the first run\n"


def test_identity_knows_the_living_from_the_dead() -> None:
    assert process_table.identity(os.getpid()) == process_table.identity(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    known = process_table.identity(ended.pid)
    ended.wait(5)
    assert process_table.identity(ended.pid) is None
    assert known != process_table.identity(os.getpid())


async def test_members_of_a_group_are_its_running_processes() -> None:
    first = subprocess.Popen(["sleep", "60"], process_group=0)
    second = subprocess.Popen(["sleep", "60"], process_group=first.pid)
    assert sorted(process_table.members(first.pid)) == sorted((first.pid, second.pid))
    os.killpg(first.pid, signal.SIGKILL)
    await gone((first.pid, second.pid))
    assert process_table.members(first.pid) == []
    first.wait(5)
    second.wait(5)
