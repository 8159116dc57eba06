"""The members of one room in this process: they enter, they chat, they leave."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import cast

import msgspec
from picows import ws_connect

from loadtests.bench.dialects import Dialect
from loadtests.bench.member import PATIENCE, Member, TimedMember, text

AT_ONCE = 50
# Timing a delivery costs the generator as much as receiving it, so not all members do it.
TIMED = 125
SENDERS = 20
# Deliveries that are late are late and not lost: they are waited for while any comes, up to a limit.
SILENCE = 4.0
GRACE = 30.0
# One source address has too few ports for many thousands of sockets to one server.
PER_ADDRESS = 5000


class Traffic(msgspec.Struct):
    """The figures of a stretch of chat. Times in ms; `generator` is the share of its core this process used."""

    sent: int
    deliveries: int
    lost: int
    doubled: int
    unacknowledged: int
    p50: float
    p99: float
    worst: float
    late: float
    generator: float
    seconds: float


class Crowd:
    """Members spread over the sockets of a peer, every n-th of them timed."""

    def __init__(self, urls: Sequence[str], dialect: Dialect) -> None:
        self._urls = urls
        self._dialect = dialect
        self._numbers = itertools.count(1)
        self.members: list[Member] = []

    async def enter(self, tokens: Sequence[str]) -> None:
        """Let one member in for each token. Raises what a refused connection raises."""
        every = max(1, len(tokens) // TIMED)
        for start in range(0, len(tokens), AT_ONCE):
            some = range(start, min(start + AT_ONCE, len(tokens)))
            self.members += await asyncio.gather(
                *(self._enter(number, tokens[number], timed=number % every == 0) for number in some)
            )

    async def move(self, tokens: Sequence[str], url: str) -> int:
        """Bring those whose server goes away to this one, each when it was told to come; how many they are.

        Raises TimeoutError when nobody is told to go.
        """
        leaving = [number for number in range(len(self.members)) if self._urls[number % len(self._urls)] != url]

        async def one(number: int) -> None:
            async with asyncio.timeout(PATIENCE):
                seconds = await self.members[number].dismissed
            await asyncio.sleep(seconds)
            await self._come_back(number, tokens[number], url)

        await asyncio.gather(*(one(number) for number in leaving))
        return len(leaving)

    async def lose(self, tokens: Sequence[str], seconds: float) -> None:
        """Let the sockets of all members end, and bring the members back after this time, with their positions."""
        for start in range(0, len(self.members), AT_ONCE):
            some = range(start, min(start + AT_ONCE, len(self.members)))
            for number in some:
                self.members[number].close()
            await asyncio.sleep(seconds)
            await asyncio.gather(*(self._come_back(number, tokens[number]) for number in some))

    async def chat(self, rate: float, seconds: float, size: int) -> Traffic:
        """Send texts at an even rate, whatever becomes of those before, and wait for the last to arrive."""
        timed = [member for member in self.members if isinstance(member, TimedMember)]
        for member in self.members:
            member.received = 0
        for member in timed:
            del member.latencies[:]
            member.texts.clear()
        count = max(1, round(rate * seconds))
        senders = self.members[:: max(1, len(self.members) // SENDERS)]
        numbers = list(itertools.islice(self._numbers, count))
        answers: list[asyncio.Task[object]] = []
        late = 0.0
        cpu, begun = time.process_time(), time.perf_counter()
        for position, number in enumerate(numbers):
            due = begun + position / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = max(late, time.perf_counter() - due)
            sender = senders[position % len(senders)]
            key = self._dialect.chat(sender, text(number, size))
            answers.append(asyncio.create_task(sender.answer(key)))
        took = time.perf_counter() - begun
        generator = (time.process_time() - cpu) / took
        await self._settle(count)
        unacknowledged = await _finish(answers)
        latencies = sorted(itertools.chain.from_iterable(member.latencies for member in timed))
        missing = [count - member.received for member in self.members]
        # A member that lost one text and got another twice has the right count; the timed ones tell.
        swapped = sum(count - len(member.texts) for member in timed if member.received == count)
        return Traffic(
            sent=count,
            deliveries=sum(member.received for member in self.members),
            lost=sum(max(0, number) for number in missing) + swapped,
            doubled=sum(max(0, -number) for number in missing) + swapped,
            unacknowledged=unacknowledged,
            p50=_quantile(latencies, 0.5),
            p99=_quantile(latencies, 0.99),
            worst=_quantile(latencies, 1.0),
            late=late * 1000,
            generator=generator,
            seconds=took,
        )

    @property
    def closed(self) -> int:
        """How many members' sockets are gone."""
        return sum(not member.open for member in self.members)

    async def leave(self) -> None:
        for member in self.members:
            member.close()
        self.members.clear()
        await asyncio.sleep(1.0)

    async def _enter(self, number: int, token: str, *, timed: bool) -> Member:
        member = await self._open(number, TimedMember if timed else Member)
        await self._dialect.enter(member, token)
        return member

    async def _come_back(self, number: int, token: str, url: str = "") -> None:
        before = self.members[number]
        member = await self._open(number, type(before), url)
        await self._dialect.come_back(member, token, before)
        self.members[number] = member

    async def _open(self, number: int, kind: type[Member], url: str = "") -> Member:
        _, listener = await ws_connect(
            lambda: kind(self._dialect),
            url or self._urls[number % len(self._urls)],
            websocket_handshake_timeout=20,
            local_addr=(f"127.0.0.{1 + number // PER_ADDRESS}", 0),
        )
        return cast(Member, listener)

    async def _settle(self, count: int) -> None:
        now = time.perf_counter()
        deadline, silent_since, received = now + GRACE, now, -1
        while now < min(deadline, silent_since + SILENCE) and any(member.received < count for member in self.members):
            await asyncio.sleep(0.05)
            total, now = sum(member.received for member in self.members), time.perf_counter()
            if total != received:
                received, silent_since = total, now
        # What would come twice comes now.
        await asyncio.sleep(0.2)


async def _finish(answers: Sequence[asyncio.Task[object]]) -> int:
    """How many of these texts were not acknowledged; nothing is waited for any longer."""
    if answers:
        await asyncio.wait(answers, timeout=1.0)
    for answer in answers:
        answer.cancel()
    results = await asyncio.gather(*answers, return_exceptions=True)
    return sum(isinstance(result, BaseException) for result in results)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """In ms; infinite when nothing was delivered."""
    if not ordered:
        return float("inf")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
