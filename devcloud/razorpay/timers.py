"""What happens later, in virtual time: late authorisations, refunds, retries of webhooks, settlements."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Awaitable, Callable

from devcloud.clock import VirtualClock
from devcloud.razorpay.state import Job, Store

log = logging.getLogger(__name__)

Handler = Callable[[str], None]

# A wait is cut into pieces, in case that the clock of the machine is set.
LONGEST_SLEEP = 60.0


class Timers:
    """Runs each job at its moment, in the order of their moments. A handler decides by the state whether it still
    applies: there is no way to cancel a job.
    """

    def __init__(self, store: Store, clock: VirtualClock) -> None:
        self._store = store
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._woken = asyncio.Event()
        self.restart()

    def restart(self) -> None:
        """Take the jobs of the state."""
        self._queue = [(job.due, job.number) for job in self._store.state.jobs.values()]
        heapq.heapify(self._queue)
        self._woken.set()

    def handle(self, kind: str, handler: Handler) -> None:
        """What a job of this kind does with its subject."""
        self._handlers[kind] = handler

    def at(self, due: float, kind: str, subject: str) -> None:
        """Let something happen at a moment, or at once when it has passed."""
        job = Job(due=due, number=self._store.number(), kind=kind, subject=subject)
        self._store.state.jobs[job.number] = job
        heapq.heappush(self._queue, (job.due, job.number))
        self._store.touch()
        self._woken.set()

    def after(self, seconds: float, kind: str, subject: str) -> None:
        """Let something happen in a while."""
        self.at(self._clock.now() + seconds, kind, subject)

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            self._woken.clear()
            while self._do_next(self._clock.now()):
                await asyncio.sleep(0)
            wait = min(LONGEST_SLEEP, self._queue[0][0] - self._clock.now()) if self._queue else LONGEST_SLEEP
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), max(0.0, wait))

    async def advance(self, seconds: float, idle: Callable[[], Awaitable[None]]) -> None:
        """Move the clock forward, and stop at each job on the way. `idle` waits for the work that a job began."""
        target = self._clock.now() + seconds
        await idle()
        while self._queue and self._queue[0][0] <= target:
            self._clock.move_to(self._queue[0][0])
            self._do_next(self._queue[0][0])
            await idle()
        self._clock.move_to(target)
        self._store.state.clock_offset = self._clock.offset
        self._store.touch()
        self._woken.set()

    def _do_next(self, until: float) -> bool:
        if not self._queue or self._queue[0][0] > until:
            return False
        _, number = heapq.heappop(self._queue)
        job = self._store.state.jobs.pop(number, None)
        if job is not None:
            try:
                self._handlers[job.kind](job.subject)
            except Exception:
                log.exception("the job %s of %s failed", job.kind, job.subject)
            self._store.touch()
        return True
