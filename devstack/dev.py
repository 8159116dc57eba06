"""`ksmp dev`: PostgreSQL, NATS and gateways on this machine, watched until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence

from devstack import gateways, ports, process_table, surroundings
from devstack.errors import DevStackError
from devstack.folder import DataFolder
from devstack.guard import Guard
from devstack.stack import Options, Prepare, Say, Stack, prepare_database
from gateway import module_folders
from gateway.settings import variable

# Ctrl-C may arrive twice, from the terminal and from the program that started us.
ECHO = 1.0


class Dev:
    """One run of `ksmp dev`, from start to stop. `environ` may override settings.

    `say` prints a line. It must neither wait nor raise, whoever reads: what runs depends on what comes after it.
    """

    def __init__(
        self,
        options: Options,
        *,
        environ: Mapping[str, str] | None = None,
        say: Say,
        command: Sequence[str] = gateways.COMMAND,
        prepare: Prepare = prepare_database,
    ) -> None:
        self._options = options
        self._environ = dict(os.environ if environ is None else environ)
        if options.modules:
            named = self._environ.get(module_folders.VARIABLE, "")
            self._environ[module_folders.VARIABLE] = ",".join(
                [*(part for part in (named,) if part), *(str(path.absolute()) for path in options.modules)]
            )
        self._say = say
        self._command = command
        self._prepare = prepare
        self._folder = DataFolder(options.data)
        self._guard: Guard | None = None
        self._stopping = asyncio.Event()
        self._asked_at: float | None = None

    async def run(self) -> None:
        """Start everything and keep it running until SIGINT or SIGTERM, then stop it in order.

        Raises DevStackError, SettingsError or RegistryError when something cannot be started; then nothing runs any
        more.
        """
        self._listen_for_signals()
        surroundings.leave_out(stand_in=self._options.cloud)
        await asyncio.to_thread(gateways.check, self._environ)
        await asyncio.to_thread(self._folder.claim)
        try:
            self._check_ports()
            if self._options.fresh:
                await asyncio.to_thread(self._folder.clear)
            async with Guard(self._folder.descriptor) as guard:
                self._guard = guard
                await self._run(guard)
        finally:
            await asyncio.to_thread(self._folder.release)

    async def _run(self, guard: Guard) -> None:
        stack = Stack(
            self._options,
            self._folder,
            guard=guard,
            environ=self._environ,
            say=self._say,
            command=self._command,
            prepare=self._prepare,
        )
        starting = asyncio.create_task(stack.start())
        asked = asyncio.create_task(self._stopping.wait())
        tasks = (starting, asked, asyncio.create_task(guard.watch()), asyncio.create_task(self._watch_launcher()))
        try:
            await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await self._until(asked, stack)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await stack.stop()
        self._say("Stopped")

    async def _until(self, asked: asyncio.Task[bool], stack: Stack) -> None:
        """Wait until somebody asks to stop, and reload meanwhile when that is wanted."""
        if not self._options.reload:
            await asked
            return
        reloading = asyncio.create_task(stack.reload())
        try:
            await asyncio.wait({asked, reloading}, return_when=asyncio.FIRST_COMPLETED)
            if reloading.done():
                reloading.result()
        finally:
            reloading.cancel()
            await asyncio.gather(reloading, return_exceptions=True)

    def _check_ports(self) -> None:
        for port in self._options.ports:
            if not ports.is_free(port, self._environ.get(variable("host")) or ports.LOOPBACK):
                raise DevStackError(f"Port {port} is taken by another program; stop it or choose others with --port.")

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        # In the background of a terminal with `stty tostop`, the first line would stop this process.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a hang-up is ignored, and is to stay so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._asked_to_stop)

    def _asked_to_stop(self) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._stopping.set()
            self._say("Stopping; ask again to stop at once")
        elif now - self._asked_at > ECHO:
            if self._guard is not None:
                self._guard.kill()
            os._exit(1)

    async def _watch_launcher(self) -> None:
        """Stop when `uv run` above us was killed: who started it takes the whole thing for dead."""
        launcher = os.getppid()
        if process_table.name(launcher) == "uv":
            while os.getppid() == launcher:
                await asyncio.sleep(0.25)
            self._asked_to_stop()
