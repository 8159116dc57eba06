"""The program of the guard process: waits for the end of its parent, then ends its process group.

SIGINT comes first, and SIGKILL for what is left after `PATIENCE` seconds. SIGINT means a fast shutdown to
PostgreSQL, where SIGTERM would wait for its clients. It loads little, because one runs beside every parent.
"""

from __future__ import annotations

import os
import signal
import time

from devstack import process_table

PATIENCE = 2.0


def main() -> None:
    """Wait for the end of standard input, then end this process group."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    group = os.getpgrp()
    deadline = time.monotonic() + PATIENCE
    if not _alone(group):
        os.killpg(group, signal.SIGINT)
    while not _alone(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    if not _alone(group):
        os.killpg(group, signal.SIGKILL)


def _alone(group: int) -> bool:
    return set(process_table.members(group)) <= {os.getpid()}


if __name__ == "__main__":
    main()
