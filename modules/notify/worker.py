"""Worker: does what is due, over and over, and waits for a wake-up or an interval when nothing is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

import structlog

from gateway.errors import Unavailable

log = structlog.get_logger(__name__)


class Bell:
    """Wakes the workers of this gateway that do the same. Those of other gateways find what is due at their next look.

    One of them waits at it, and the others wait for their turn. So it costs one look an interval, however many there
    are, and still somebody looks while one is at work for long.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        # How often it rang.
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1
        self._woken.set()

    def ring_soon(self, seconds: float = 0.02) -> None:
        """When the transaction around this has probably committed. Until it has, the interval finds what is due."""
        asyncio.get_running_loop().call_later(seconds, self.ring)

    async def wait(self, seconds: float, since: int) -> None:
        """For so long, or until it rang more often than `since` times."""
        async with self._turn:
            if self.rung > since:
                return
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()


class Worker:
    """`work` does a part of what is due and says whether there may be more."""

    def __init__(self, name: str, work: Callable[[], Awaitable[bool]], bell: Bell, interval: float) -> None:
        self._name = name
        self._work = work
        self._bell = bell
        self._interval = interval
        self._stopping = False

    async def run(self) -> None:
        """Until it is stopped or cancelled. What fails is logged as `<name>.waits` or `<name>.failed`."""
        while not self._stopping:
            more, rung = False, self._bell.rung
            try:
                more = await self._work()
            except Unavailable as error:
                log.info(f"{self._name}.waits", reason=error.message)
            except Exception:
                log.exception(f"{self._name}.failed")
            if self._stopping:
                return
            if more:
                # There may be enough for others too.
                self._bell.ring()
            else:
                await self._bell.wait(self._interval, rung)

    def stop(self) -> None:
        """Let it finish what it has begun."""
        self._stopping = True
        self._bell.ring()


async def stop(workers: Iterable[Worker], running: Iterable[asyncio.Task[None]], seconds: float) -> None:
    """Stop workers, and wait so long for what they have begun."""
    for worker in workers:
        worker.stop()
    if tasks := [task for task in running if not task.done()]:
        await asyncio.wait(tasks, timeout=seconds)
