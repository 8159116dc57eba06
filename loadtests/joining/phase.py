"""One phase of a measurement: people come at random moments while the class goes on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx
import msgspec
from picows import WSError

from loadtests.bench.crowd import Crowd, Traffic
from loadtests.bench.member import Member
from loadtests.bench.process import cpu_seconds, memory

QUIET: Final = 8.0
# Characters of a text of the chat.
SIZE: Final = 80

# People of `each` at the same time.
AT_ONCE: Final = 20

One = Callable[[int], Awaitable[None]]


class Phase(msgspec.Struct):
    """Seconds that each took, what was refused, and the server's CPU in seconds for each.

    `cpu` is without what the deliveries of the chat and of presence cost; `told` is the cost of those of presence.
    """

    name: str
    took: list[float]
    wrong: list[str]
    cpu: float
    told: float
    # Growth of the server's memory in KiB for each.
    grown: float
    chat: Traffic

    def lines(self) -> list[str]:
        found = [f"{self.name}: {quantiles(self.took)}; server CPU {self.cpu * 1e6:.0f} µs each"]
        if self.told:
            found.append(f"  presence told to all who are there: {self.told * 1e6:.0f} µs more each")
        found.append(f"  chat beside it: p50 {self.chat.p50:.0f} ms, p99 {self.chat.p99:.0f} ms, {self.chat.lost} lost")
        return found + [f"  FAILED: {sentence}" for sentence in sorted(set(self.wrong))[:5]]


class Class:
    """A class that is going on: a crowd that chats, and the servers that carry it."""

    def __init__(self, pids: Sequence[int], crowd: Crowd, rate: float) -> None:
        """`rate` is the messages a second."""
        self._pids = pids
        self._crowd = crowd
        self._rate = rate
        # Members that came in a phase; they get the chat too.
        self.arrived: list[Member] = []
        self._idle = self._delivery = 0.0

    async def settle(self) -> float:
        """Measure what silence costs, and then a delivery of the chat. Returns the share of a core that both take."""
        before, begun = cpu_seconds(self._pids), time.monotonic()
        await asyncio.sleep(QUIET)
        self._idle = (cpu_seconds(self._pids) - before) / (time.monotonic() - begun)
        before, begun = cpu_seconds(self._pids), time.monotonic()
        traffic = await self._crowd.chat(self._rate, QUIET, SIZE)
        used, took = cpu_seconds(self._pids) - before, time.monotonic() - begun
        self._delivery = max(0.0, used - self._idle * took) / max(1, traffic.deliveries)
        return used / took

    async def phase(self, name: str, count: int, seconds: float, one: One, first: One | None = None) -> Phase:
        """Let `count` come within the time. `first` runs before the time of one is taken."""
        for member in (*self._crowd.members, *self.arrived):
            member.received = member.pushed = 0
        before, held, begun = cpu_seconds(self._pids), memory(self._pids), time.monotonic()
        (took, wrong), chat = await asyncio.gather(
            by_chance(count, seconds, one, first), self._crowd.chat(self._rate, seconds, SIZE)
        )
        used = cpu_seconds(self._pids) - before - self._idle * (time.monotonic() - begun)
        pushed = sum(member.pushed for member in (*self._crowd.members, *self.arrived))
        used -= self._delivery * (chat.deliveries + sum(member.received for member in self.arrived) + pushed)
        people = max(1, len(took))
        told = self._delivery * pushed / people
        return Phase(name, took, wrong, used / people, told, (memory(self._pids) - held) / people, chat)

    async def leave(self) -> None:
        for member in self.arrived:
            member.close()
        self.arrived.clear()
        await asyncio.sleep(1.0)


async def by_chance(count: int, seconds: float, one: One, first: One | None = None) -> tuple[list[float], list[str]]:
    """Let `count` come at random moments within the time. Returns how long each took, and what went wrong."""
    took: list[float] = []
    wrong: list[str] = []

    async def come(number: int, after: float) -> None:
        await asyncio.sleep(after)
        try:
            if first is not None:
                await first(number)
            begun = time.perf_counter()
            await one(number)
        except (httpx.HTTPError, RuntimeError, OSError, TimeoutError, WSError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
        else:
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(come(number, random.uniform(0.0, seconds)) for number in range(count)))
    return took, wrong


async def each(tokens: Sequence[str], one: Callable[[str], Awaitable[None]]) -> None:
    """Run it for all of these, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def guarded(token: str) -> None:
        async with gate:
            await one(token)

    await asyncio.gather(*(guarded(token) for token in tokens))


def quantile(took: Sequence[float], share: float) -> float:
    """In ms; infinite when nothing was measured."""
    ordered = sorted(took)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("inf")


def quantiles(took: Sequence[float]) -> str:
    p50, p95, p99 = (quantile(took, share) for share in (0.5, 0.95, 0.99))
    return f"{len(took)}, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms"
