"""What holds the event loop is logged with the line that did it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog

from gateway.telemetry import stalls

PROGRAM = """
import asyncio, sys, time
from gateway.telemetry import logs, stalls

async def handler(seconds):
    await asyncio.sleep(0)
    time.sleep(seconds)

async def main():
    with stalls.logged(float(sys.argv[1])):
        await asyncio.sleep(0.2)
        await handler(float(sys.argv[2]))
        await asyncio.sleep(0.2)

logs.configure("info", sys.argv[3])
{run}(main())
"""
RUNNERS = {"asyncio": "asyncio.run", "uvloop": "import uvloop\nuvloop.run"}


def said(tmp_path: Path, limit: float, seconds: float, form: str = "console", runner: str = "asyncio") -> str:
    """What a program logs whose handler sleeps that long."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(run=RUNNERS[runner]))
    command = [sys.executable, str(program), str(limit), str(seconds), form]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stderr


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("form", ["console", "json"])
def test_a_blocking_call_is_named_with_its_line(tmp_path: Path, form: str, runner: str) -> None:
    text = said(tmp_path, 0.1, 0.3, form, runner)
    line = 1 + PROGRAM.splitlines().index("    time.sleep(seconds)")
    assert text.count("loop.stalled") == 1
    assert f"{tmp_path / 'program.py'}:{line} in handler" in text
    assert "time.sleep(seconds)" in text


@pytest.mark.parametrize(("limit", "seconds"), [(0.0, 0.3), (1.0, 0.3), (0.3, 0.0)])
def test_off_or_below_the_limit_nothing_is_logged(tmp_path: Path, limit: float, seconds: float) -> None:
    assert said(tmp_path, limit, seconds) == ""


async def test_it_ends_with_its_block() -> None:
    with stalls.logged(0.02):
        watch = next(thread for thread in stalls.threading.enumerate() if thread.name == "stall-watch")
        assert watch.is_alive()
    await asyncio.to_thread(watch.join, 2)
    assert not watch.is_alive()


def test_a_computation_is_seen_as_well_as_a_sleep() -> None:
    async def compute() -> None:
        with stalls.logged(0.05):
            await asyncio.sleep(0.1)
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                sum(range(1000))
            await asyncio.sleep(0.1)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(compute())
    (line,) = logs
    assert line["event"] == "loop.stalled"
    assert line["seconds"] >= 0.3
    assert line["where"].endswith(" in compute")
    # How the loop was started is left out.
    assert "_run_once" not in line["stack"]
