"""One run: everybody is told, a gateway is killed meanwhile, and what each device shows is compared afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import httpx

from gateway.identifier import new_id
from loadtests.bench.process import cpu_seconds
from loadtests.notify import crowd as crowds
from loadtests.notify import verdict

# How long FCM may take, what a worker has for a batch, and how long a message waits of which FCM does not say.
TIMEOUT: Final = 2.0
SETTINGS: Final = {
    "KSMP_NOTIFY_SYSTEM_CHANNELS": "push",
    "KSMP_NOTIFY_FCM_TIMEOUT": str(TIMEOUT),
    "KSMP_NOTIFY_FCM_UNSAID_WAIT": "2",
    "KSMP_NOTIFY_LEASE": "10",
    "KSMP_NOTIFY_FIRST_WAIT": "1",
    "KSMP_NOTIFY_INTERVAL": "0.3",
}
TELL: Final = """
    INSERT INTO notify_notice (id, kind, subject, users, data, at, expires_at, state, created_at)
    VALUES ($1, 'notify.urgent', $2, $3, $4, now(), now() + make_interval(secs => $5), 'waiting', now())
"""
OPEN: Final = """
    SELECT count(*) FROM notify_delivery WHERE notice_id = $1
        AND (state IN ('waiting', 'sending') OR state = 'unknown' AND due_at < 'infinity' AND due_at < now() + '1 day')
"""
WRITTEN: Final = "SELECT state = 'expanded' FROM notify_notice WHERE id = $1"
TOLD: Final = b'{"title": "The class begins", "body": "Algebra begins now.", "link": "/"}'
# In seconds.
TTL: Final = 3600.0
PATIENCE: Final = 1200.0
# The gateway is killed when this share of the devices has been sent something.
KILLED_AT: Final = 0.4


@dataclass(frozen=True)
class Place:
    """Where a run takes place: gateways that send by the stand-in at `stand_in`, whose processes are `pids` now."""

    database_url: str
    stand_in: str
    pids: Callable[[], Sequence[int]]


@dataclass
class Result:
    """What happened, and every promise that was broken."""

    seconds: float = 0.0
    cpu_ms: float = 0.0
    messages: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"pushes, in {self.seconds:.1f} s: {self.messages / max(self.seconds, 0.001):,.0f} messages a second"]
        lines += [f"{self.cpu_ms:.2f} ms of the gateways' CPU a message: expansion, decision, texts and rows included"]
        lines += [f"  {count:>8,}  {name}" for name, count in sorted(self.counts.items())]
        lines += [f"{len(self.faults)} fault(s)", *(f"  {fault}" for fault in self.faults[:50])]
        return "\n".join(lines)


async def run(place: Place, count: int, *, seed: int, kill: bool = True) -> Result:
    """Tell the users of `count` devices; with `kill` one gateway is lost in the middle."""
    result = Result()
    crowd = crowds.drawn(count, seed)
    async with (
        httpx.AsyncClient(base_url=place.stand_in, timeout=60.0, trust_env=False) as http,
        asyncpg.create_pool(place.database_url, min_size=1, max_size=2) as database,
    ):
        await crowds.register(crowd, database)
        await crowds.make_ill(crowd, http, TIMEOUT * 1.5)
        notice, begun = new_id(), time.monotonic()
        used = Spent(place.pids())
        await database.execute(TELL, notice, f"run-{seed}", crowd.users, TOLD.decode(), TTL)
        if kill:
            await _kill(place, http, int(count * KILLED_AT), result, used)
        await _done(database, notice)
        result.seconds = time.monotonic() - begun
        traffic = (await http.get("/_devcloud/fcm/traffic")).raise_for_status().json()
        result.messages = traffic["messages"]
        result.cpu_ms = used.seconds(place.pids()) * 1000 / max(result.messages, 1)
        result.counts["access tokens asked for"] = traffic["tokens"]
        result.counts["messages open at once, at most"] = traffic["open_most"]
        result.counts |= Counter({f"answers: {status}": found for status, found in traffic["statuses"].items()})
        report = (await http.get("/_devcloud/fcm/report")).raise_for_status().json()["devices"]
        result.faults += await verdict.faults(crowd, report, database, notice, result.counts)
    return result


class Spent:
    """The CPU time of gateways since now, also of one that is lost meanwhile."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._before = {pid: cpu_seconds([pid]) for pid in pids}
        self._lost = 0.0

    def lose(self, pid: int) -> None:
        """It is about to be killed."""
        self._lost += cpu_seconds([pid]) - self._before.pop(pid, 0.0)

    def seconds(self, pids: Sequence[int]) -> float:
        """Of a gateway that started meanwhile, its start counts too."""
        return self._lost + sum(cpu_seconds([pid]) - self._before.get(pid, 0.0) for pid in pids)


async def _kill(place: Place, http: httpx.AsyncClient, when: int, result: Result, used: Spent) -> None:
    """Kill a gateway once so many messages were posted. Whoever runs it starts it again."""
    async with asyncio.timeout(PATIENCE):
        while (await http.get("/_devcloud/fcm/traffic")).json()["messages"] < when:
            await asyncio.sleep(0.02)
    pid = place.pids()[0]
    used.lose(pid)
    os.kill(pid, signal.SIGKILL)
    result.counts["gateways killed"] += 1


async def _done(database: asyncpg.Pool, notice: str) -> None:
    """Wait until nothing is left to send."""
    async with asyncio.timeout(PATIENCE):
        while not await database.fetchval(WRITTEN, notice) or await database.fetchval(OPEN, notice):
            await asyncio.sleep(0.2)
