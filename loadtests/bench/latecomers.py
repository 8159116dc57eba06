"""Measures the joins and snapshots of many at once in a lively room: `python -m loadtests.bench.latecomers`.

CPU time of the gateway and of PostgreSQL, for the joins and for the snapshots after them.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from devstack.people import many_tokens
from gateway.principal import Role
from ksmp_testkit.socket_client import WireClient, connected
from loadtests import stack
from loadtests.bench import process

AT_ONCE = 100


async def run(count: int, questions: int) -> None:
    async with stack.running(1) as running, AsyncExitStack() as clients:
        tokens = list(many_tokens(Path(running.data), Role.STUDENT, count=count, prefix="late", ttl=3600))
        members: list[WireClient] = []
        for start in range(0, count, AT_ONCE):
            some = [
                clients.enter_async_context(connected(running.sockets[0], token))
                for token in tokens[start : start + AT_ONCE]
            ]
            members += [await one for one in some]
        for number, member in enumerate(members[:questions]):
            await member.join(running.room)
            await member.call("live.ask", room=running.room, data={"text": f"What of number {number}?"})
            await member.call("live.raise_hand", room=running.room)
        await asyncio.sleep(2)
        others = members[questions:]
        await _measure("join", running, [member.join(running.room) for member in others])
        await asyncio.sleep(2)
        room = running.room
        await _measure("snapshot", running, [member.call("live.snapshot", room=room) for member in others])


async def _measure(what: str, running: stack.Stack, calls: Sequence[Awaitable[object]]) -> None:
    pids = {"gateway": running.gateway_pids, "postgres": process.family(running.postgres_pid)}
    before = {name: process.cpu_seconds(these) for name, these in pids.items()}
    started = time.monotonic()
    await asyncio.gather(*calls)
    seconds = time.monotonic() - started
    used = {name: (process.cpu_seconds(these) - before[name]) / len(calls) * 1000 for name, these in pids.items()}
    told = ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in used.items())
    print(f"{what}: {len(calls)} at once in {seconds:.2f} s; CPU of one: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=600)
    parser.add_argument("--questions", type=int, default=100, help="asked, and as many hands raised, before")
    options = parser.parse_args()
    asyncio.run(run(options.members, options.questions))


if __name__ == "__main__":
    main()
