"""Starts gateway processes of tests from a server that has their program loaded: 1.3 s of CPU each in place of 4.3.

Each is a process like any other: with an id, variables, a log and memory of its own, to be killed and started again.
Only the imports are shared. The library's fork server does the work (`multiprocessing.forkserver`). It runs no thread
and opens nothing before it forks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from typing import Final

from devstack import gateways

CONTEXT: Final = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.gateway_preload"])


class ForkedProcess:
    """As `subprocess.Popen` shows a process."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self._process = process

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, sig: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


def forked_gateway(command: Sequence[str], log: str, environ: Mapping[str, str], group: int) -> ForkedProcess:
    """As `devstack.process.Fork`, for the command of a gateway with one process."""
    assert tuple(command) == gateways.COMMAND, command
    # A daemon: when the tests end, nobody waits for what they have left running.
    process = CONTEXT.Process(target=_run, args=(log, dict(environ), group), daemon=True)
    process.start()
    return ForkedProcess(process)


def _run(log: str, environ: dict[str, str], group: int) -> None:
    os.setpgid(0, group)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(written)
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["ksmp", "serve"]
    from gateway.cli import main

    main(["serve"])
