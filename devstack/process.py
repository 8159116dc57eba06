"""A supervised child process: started until ready, restarted when it dies, stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from devstack import process_table
from devstack.errors import DevStackError
from devstack.guard import Guard
from gateway.backoff import Backoff

POLL = 0.03
BACKOFF = (0.1, 3.0)
STEADY = 10.0
LOG_BYTES = 10 * 1024 * 1024
_TELLING = re.compile(r"\b(FATAL|PANIC|ERROR)\b|\[(FTL|ERR)\]|\b\w*(Error|Exception)\b")

Report = Callable[[str], None]
Step = tuple[signal.Signals, float]


class Process(Protocol):
    """A process that was started, as `subprocess.Popen` shows it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """None while it runs; then its status, or the negative number of the signal that ended it."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, unless it has ended."""


# (command, path of the log, environment, process group to enter) → the running process.
Fork = Callable[[Sequence[str], str, Mapping[str, str], int], Process]


class Child:
    """One child process under `folder`: `logs/<name>.log` holds its output, `run/<name>.pid` its id.

    `ready` is asked until it says True, for at most `ready_timeout` seconds. A child that dies is started
    again with the same command, until `stop`: at once the first time, then after growing pauses of up to
    three seconds. `report` gets a line at each death and return. `stop_steps` are the signals of an orderly
    stop, each with the seconds it gets; SIGKILL follows. With `guard` the child does not outlive us.
    `user` and `group` are ids to run as, for a parent that is root. With `fork` the process comes of a server that has
    its program loaded.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        ready: Callable[[], Awaitable[bool]],
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
        guard: Guard | None = None,
        restart: bool = True,
        report: Report | None = None,
        ready_timeout: float = 30.0,
        stop_steps: Sequence[Step] = ((signal.SIGTERM, 5.0),),
        user: int | None = None,
        group: int | None = None,
        fork: Fork | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = folder / "logs" / f"{name}.log"
        self.deaths = 0
        self._pid_file = pid_file(folder, name)
        self._ready = ready
        self._environ = None if environ is None else dict(environ)
        self._directory = directory
        self._guard = guard
        self._restart = restart
        self._report: Report = report or (lambda line: None)
        self._ready_timeout = ready_timeout
        self._stop_steps = tuple(stop_steps)
        self._user = user
        self._group = group
        self._fork = fork
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._log_start = 0
        self._up = False

    @property
    def pid(self) -> int | None:
        """The id of the running process, None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def up(self) -> bool:
        """Whether it runs and was ready."""
        return self._up and self.pid is not None

    async def start(self) -> None:
        """Start and wait until ready. Raises DevStackError, with nothing left running, when it does not get there."""
        await self._cancel_supervisor()
        await asyncio.to_thread(end_leftover, self._pid_file)
        try:
            await self._launch()
        except BaseException:
            await self.stop()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name=f"supervise {self.name}")

    async def stop(self) -> None:
        """Stop in order and forget the process id; SIGKILL after the deadline. Never raises."""
        await self._cancel_supervisor()
        if self._process is not None:
            for number, seconds in self._stop_steps:
                self.kill(number)
                if await self._ended(seconds):
                    break
            else:
                self.kill(signal.SIGKILL)
                await self._ended(5.0)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._pid_file.unlink, missing_ok=True)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; what dies of it is restarted unless `restart` is off."""
        if self._process is not None:
            self._process.send_signal(number)

    async def died(self) -> None:
        """Wait until the present process has ended."""
        while self.pid is not None:
            await asyncio.sleep(POLL)

    def complaint(self) -> str:
        """The most telling line this process has left in its log, without time stamps; may be empty."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self._log_start, self.log.stat().st_size - 65_536))
                lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        except OSError:
            return ""
        telling = [line for line in lines if _TELLING.search(line)]
        line = (telling or lines or [""])[-1]
        return re.sub(r"^.*?(?=FATAL|PANIC|ERROR)|^.*?\[(FTL|ERR)\]\s*", "", line)[:300]

    async def _launch(self) -> None:
        # A cancellation in the middle must not lose sight of a process that is just being spawned.
        spawning = asyncio.ensure_future(asyncio.to_thread(self._spawn))
        try:
            await asyncio.shield(spawning)
        except asyncio.CancelledError:
            await asyncio.wait({spawning})
            raise
        except OSError as error:
            raise DevStackError(f"{self.name} cannot be started: {error.strerror or error}.") from None
        deadline = time.monotonic() + self._ready_timeout
        while True:
            if self._process is None or self._process.poll() is not None:
                said = self.complaint().rstrip(".") or "it said nothing"
                raise DevStackError(f"{self.name} {self._ending()}: {said}; see {self.log}.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(deadline - time.monotonic(), 0.01)):
                    if await self._ready():
                        self._up = True
                        return
            if time.monotonic() >= deadline:
                raise DevStackError(f"{self.name} was not ready within {self._ready_timeout:.0f} s; see {self.log}.")
            await asyncio.sleep(POLL)

    def _spawn(self) -> None:
        self._up = False
        for path in (self.log, self._pid_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._open_log() as log:
            self._process = self._executed(log) if self._fork is None else self._forked(self._fork, log)
        self._pid_file.write_text(f"{self._process.pid} {process_table.identity(self._process.pid)}\n")

    def _executed(self, log: IO[bytes]) -> Process:
        return subprocess.Popen(  # noqa: S603
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._directory,
            env=self._environ,
            process_group=self._guard.group if self._guard is not None else 0,
            user=self._user,
            group=self._group,
            extra_groups=() if self._user is not None else None,
        )

    def _forked(self, fork: Fork, log: IO[bytes]) -> Process:
        environ = dict(os.environ) if self._environ is None else self._environ
        return fork(self.command, log.name, environ, self._guard.group if self._guard is not None else 0)

    def _open_log(self) -> IO[bytes]:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
        file = self.log.open("ab")
        self._log_start = file.tell()
        return file

    async def _supervise(self) -> None:
        backoff, last_start = Backoff(*BACKOFF), time.monotonic()
        while True:
            await self.died()
            self.deaths += 1
            if not self._restart:
                return
            self._report(f"{self.name} {self._ending()}; it is started again")
            if time.monotonic() - last_start > STEADY:
                backoff.reset()
            said = ""
            while True:
                await asyncio.sleep(backoff.next())
                last_start = time.monotonic()
                try:
                    await self._launch()
                except DevStackError as error:
                    # What is broken for minutes would fill the terminal.
                    if str(error) != said:
                        said = str(error)
                        self._report(said)
                    await self._end_unready()
                else:
                    break
            self._report(f"{self.name} is back as process {self.pid}")

    async def _end_unready(self) -> None:
        if self.pid is not None:
            self.kill(signal.SIGKILL)
            await self._ended(5.0)

    async def _ended(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.died()
        return self.pid is None

    async def _cancel_supervisor(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
            self._supervisor = None

    def _ending(self) -> str:
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return "ended"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def pid_file(folder: Path, name: str) -> Path:
    """Where the id of a running child is kept."""
    return folder / "run" / f"{name}.pid"


def end_leftover(kept: Path) -> None:
    """End the process of a pid file if it still runs: its parent and its guard were both killed.

    The process is known by its start time as well, so a later process of the same id is left alone.
    """
    try:
        number, _, known = kept.read_text().strip().partition(" ")
        pid = int(number)
    except (OSError, ValueError):
        return
    for step in (signal.SIGINT, signal.SIGKILL):
        deadline = time.monotonic() + 3.0
        if process_table.identity(pid) == known:
            os.kill(pid, step)
        while process_table.identity(pid) == known and time.monotonic() < deadline:
            time.sleep(POLL)
    kept.unlink(missing_ok=True)
