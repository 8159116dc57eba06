"""Measures what turning in costs beside a class that is going on: `python -m loadtests.turn_ins`.

1,000 viewers sit in a session's room and chat. Students of a program, each with a draft of a text and a file in the
bucket, turn it in at random moments within half a minute, at the same gateway.
"""

from __future__ import annotations

import argparse
import resource
from collections import Counter
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import uvloop

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import KsmpDialect
from loadtests.bench.machine import Others
from loadtests.deadline.student import Student
from loadtests.deadline.work import Work
from loadtests.joining.phase import Class, each, quantile
from loadtests.stack import Stack

# In ms.
BAR: Final = 200.0
CHAT_BAR: Final = 100.0
# The assignment is due long after.
DUE: Final = 7200.0
SETTINGS: Final = {"KSMP_REQUEST_RATE": "100000", "KSMP_REQUEST_BURST": "100000", "KSMP_ADDRESS_RATE": "100000",
                   "KSMP_ADDRESS_BURST": "100000"}  # fmt: skip


async def measure(running: Stack, options: argparse.Namespace) -> int:
    limits = httpx.Limits(max_keepalive_connections=100)
    async with (
        httpx.AsyncClient(limits=limits, timeout=30.0, trust_env=False) as http,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=2) as database,
    ):
        work = Work(running, http, seed=1)
        users = [f"pupil-student-{number}" for number in range(1, options.count + 1)]
        await work.open(database, users, DUE)
        data = Path(running.data)
        tokens = list(many_tokens(data, Role.STUDENT, count=options.count, prefix="pupil", ttl=3600.0))
        students = {
            token: Student(work, user, token, "in time", Counter()) for user, token in zip(users, tokens, strict=True)
        }
        drafts: dict[str, int] = {}

        async def prepare(token: str) -> None:
            drafts[token] = await students[token].prepare()

        await each(tokens, prepare)
        crowd = Crowd(running.sockets, KsmpDialect(running.room))
        viewers = many_tokens(data, Role.STUDENT, count=options.viewers, prefix="viewer", ttl=3600.0)
        await crowd.enter(list(viewers))
        going = Class(running.gateway_pids, crowd, options.chat)
        await going.settle()

        async def turn_in(number: int) -> None:
            await students[tokens[number]].turn_in(drafts[tokens[number]])

        others = Others()
        phase = await going.phase("POST …/turn-in", options.count, options.seconds, turn_in)
        share = others.share()
        await crowd.leave()
        repeats = work.client.repeats
    print("\n".join(phase.lines()))
    p95 = quantile(phase.took, 0.95)
    print(f"p95 {p95:.1f} ms, the bar is {BAR:.0f} ms; {repeats} requests had to be repeated")
    print(f"share of the machine that others used: {share:.2f}")
    return 1 if p95 >= BAR or phase.chat.p99 >= CHAT_BAR or phase.wrong or repeats else 0


async def run(options: argparse.Namespace) -> int:
    async with stack.placed(**SETTINGS) as running:
        return await measure(running, options)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.turn_ins", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--viewers", type=int, default=1000, help="of the class")
    parser.add_argument("--count", type=int, default=600, help="students who turn in")
    parser.add_argument("--seconds", type=float, default=30.0, help="within which they do")
    parser.add_argument("--chat", type=float, default=8.0, help="messages a second")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main())
