"""The guard: a process that ends every child when their parent vanishes, even by SIGKILL.

The guard (`guard_main.py` is its program) leads a process group of its own, in its parent's session. Every child is
spawned into that group. Only the parent holds the other end of the guard's standard input. So the kernel tells the
guard when the parent is gone, and the guard ends the group.

There is no gap: between fork and exec a child still holds the parent's end of the pipe, and it enters
the group before exec. Because the group is not the terminal's foreground group, Ctrl-C reaches the
parent alone, which then stops its children in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from types import TracebackType

from devstack.guard_main import PATIENCE


class Guard:
    """The parent's side of the guard process.

    `hold` is a file descriptor that the guard keeps open until no child is left: with a lock on it, the
    lock outlives a killed parent exactly as long as its children do.
    """

    def __init__(self, hold: int | None = None) -> None:
        self._hold = hold
        self._process: subprocess.Popen[bytes] | None = None
        self._group = 0
        # Children are spawned in threads while the watch runs in another.
        self._lock = threading.Lock()

    @property
    def group(self) -> int:
        """The process group to spawn children into; starts the guard when it is not running."""
        self.ensure()
        return self._group

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def ensure(self) -> None:
        """Start the guard, or start it again in the same group when someone ended it."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()

    async def watch(self) -> None:
        """Bring the guard back whenever someone ended it, until cancelled or closed."""
        while self._process is not None:
            await asyncio.to_thread(self._revive)
            await asyncio.sleep(0.2)

    def _revive(self) -> None:
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._start()

    def _start(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process = self._spawn(self._group)
        except OSError:
            # The old group has no member left, so there is nobody to share a group with.
            self._process = self._spawn(0)
        self._group = os.getpgid(self._process.pid)

    def kill(self) -> None:
        """End every child and the guard itself at once."""
        if self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)

    def close(self) -> None:
        """End what is left in the group, then the guard; returns when both are gone."""
        with self._lock:
            if self._process is None:
                return
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process.wait(PATIENCE + 2)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()
            self._process = None
            self._group = 0

    def _spawn(self, group: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "devstack.guard_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=() if self._hold is None else (self._hold,),
            process_group=group,
        )

    async def __aenter__(self) -> Guard:
        await asyncio.to_thread(self.ensure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)
