"""One run: students turn in around a deadline amid trouble, and the rows and the bucket are compared afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.deadline import verdict
from loadtests.deadline.student import KINDS, Student, TurnedIn
from loadtests.deadline.work import AFTER_UPLOAD, Work

GATEWAYS: Final = 2
SETTINGS: Final = {
    "KSMP_ADDRESS_RATE": "100000",
    "KSMP_ADDRESS_BURST": "100000",
    "KSMP_REQUEST_RATE": "100000",
    "KSMP_REQUEST_BURST": "100000",
    # Who turns in later than this after the upload is late.
    "KSMP_ASSIGNMENTS_AFTER_UPLOAD": str(AFTER_UPLOAD),
    # A killed gateway keeps the keys of its requests for so long.
    "KSMP_IDEMPOTENCY_LEASE": "3",
}
# In seconds before the deadline.
OPENED: Final = 35.0
KILLED: Final = 6.0
S3_AWAY: Final = 3.0
# For so many seconds S3 answers nothing but errors.
S3_AWAY_FOR: Final = 2.0


@dataclass
class Result:
    """What happened, and every promise that was broken."""

    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"a deadline, in {self.seconds:.0f} s"]
        lines += [f"  {count:>8,}  {name}" for name, count in sorted(self.counts.items())]
        lines += [f"{len(self.faults)} fault(s)", *(f"  {fault}" for fault in self.faults[:50])]
        return "\n".join(lines)


async def run(count: int, *, seed: int, trouble: bool = True) -> Result:
    """`count` students turn in; with `trouble` a gateway is killed, and S3 is away for two seconds."""
    result = Result()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
    async with (
        stack.running(GATEWAYS, **SETTINGS) as running,
        httpx.AsyncClient(limits=limits, timeout=20.0, trust_env=False) as http,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=2) as database,
    ):
        begun = time.monotonic()
        work = Work(running, http, seed)
        users = [f"pupil-student-{number}" for number in range(1, count + 1)]
        tokens = many_tokens(Path(running.data), Role.STUDENT, count=count, prefix="pupil", ttl=3600.0)
        await work.open(database, users, OPENED)
        failing = [asyncio.create_task(one(work, result)) for one in (_kill, _s3_away) if trouble]
        answered = await _all(work, users, list(tokens), result)
        await asyncio.gather(*failing)
        result.counts["requests repeated"] = work.client.repeats
        result.faults += await verdict.faults(work, database, answered, result.counts)
        result.seconds = time.monotonic() - begun
    return result


async def _all(work: Work, users: list[str], tokens: list[str], result: Result) -> list[TurnedIn]:
    """What each student was answered; an error of one is a fault."""
    kinds = work.random.choices(list(KINDS), list(KINDS.values()), k=len(users))

    async def one(user: str, token: str, kind: str) -> TurnedIn | None:
        try:
            return await Student(work, user, token, kind, result.counts).work()
        except Exception as error:
            result.faults.append(f"{user} ({kind}): {type(error).__name__}: {error}")
            return None

    given = zip(users, tokens, kinds, strict=True)
    answered = [found for found in await asyncio.gather(*(one(*whose) for whose in given)) if found is not None]
    result.counts["acknowledged"] = len(answered)
    result.counts += Counter(f"acknowledged: {found.kind}" for found in answered)
    return answered


async def _kill(work: Work, result: Result) -> None:
    """Kill a gateway; `ksmp dev` starts it again."""
    await work.until(KILLED)
    os.kill(work.running.gateway_pids[0], signal.SIGKILL)
    result.counts["gateways killed"] += 1


async def _s3_away(work: Work, result: Result) -> None:
    await work.until(S3_AWAY)
    away: dict[str, Any] = {"error": "SlowDown"}
    await work.faults({"operations": {"s3.*": away}})
    await asyncio.sleep(S3_AWAY_FOR)
    await work.faults({})
    result.counts["seconds without S3"] += int(S3_AWAY_FOR)
