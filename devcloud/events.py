"""The events of IVS as EventBridge hands them to an SQS queue, with the faults that are switched on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from devcloud.clock import now, stamp
from devcloud.document import Document
from devcloud.faults import FaultSwitch
from devcloud.names import Place

STREAM = "IVS Stream State Change"
HEALTH = "IVS Stream Health Change"
RECORDING = "IVS Recording State Change"
STAGE = "IVS Stage Update"
COMPOSITION = "IVS Composition State Change"

REMEMBERED = 1000

log = logging.getLogger(__name__)

Deliver = Callable[[str], Awaitable[None]]


class Events:
    """Sends each event in the order in which it happened, unless a fault says otherwise.

    `sent` holds the last ones that happened, also those that were lost.
    """

    def __init__(self, place: Place, faults: FaultSwitch, deliver: Deliver) -> None:
        self.sent: deque[Document] = deque(maxlen=REMEMBERED)
        self._place = place
        self._faults = faults
        self._deliver = deliver
        self._work: asyncio.Queue[Document | Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._held: tuple[Document, int] | None = None
        self._passed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def emit(self, detail_type: str, resources: Sequence[str], detail: Document) -> None:
        """Let something have happened now."""
        envelope: Document = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": "aws.ivs",
            "account": self._place.account,
            "time": stamp(now()),
            "region": self._place.region,
            "resources": list(resources),
            "detail": detail,
        }
        self.sent.append(envelope)
        self._work.put_nowait(envelope)

    def after(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do something once all that was emitted so far is sent, and before what is emitted later."""
        self._work.put_nowait(step)

    async def run(self) -> None:
        """Send what happens, until cancelled."""
        try:
            while True:
                item = await self._work.get()
                try:
                    await (self._send(item) if isinstance(item, dict) else item())
                except Exception:
                    log.exception("an event or a recording could not be written")
                finally:
                    self._work.task_done()
        finally:
            for task in self._tasks:
                task.cancel()

    async def settled(self) -> None:
        """Wait until everything that happened is sent, the late ones included."""
        await self._work.join()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _send(self, envelope: Document) -> None:
        faults, chance = self._faults.faults.events, self._faults.random.random
        # Each event draws the same number of times, so that one fault does not change whom another one hits.
        lost, late, twice, held = (
            chance() < share for share in (faults.lose, faults.delay, faults.repeat, faults.reorder)
        )
        wait = chance() * faults.delay_seconds
        if lost:
            return
        copies = 2 if twice else 1
        if late:
            self._later(wait, envelope, copies)
        elif held and self._held is None:
            self._held, self._passed = (envelope, copies), asyncio.Event()
            self._start(self._release(self._held, self._passed, faults.hold_seconds))
        else:
            await self._put(envelope, copies)
            if self._held is not None:
                before, self._held = self._held, None
                self._passed.set()
                await self._put(*before)

    def _later(self, seconds: float, envelope: Document, copies: int) -> None:
        async def put() -> None:
            await asyncio.sleep(seconds)
            await self._put(envelope, copies)

        self._start(put())

    async def _release(self, held: tuple[Document, int], passed: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(passed.wait(), seconds)
        if self._held is held:
            self._held = None
            await self._put(*held)

    async def _put(self, envelope: Document, copies: int) -> None:
        body = msgspec.json.encode(envelope).decode()
        for _ in range(copies):
            await self._deliver(body)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
