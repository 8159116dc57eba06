"""Measures what entering costs beside a class that is going on: `python -m loadtests.joining`.

1,000 viewers sit in a session's room and chat. 1,000 students of the program come at random moments within half a
minute, step by step: `POST /api/v1/sessions/{id}/join`; connect and join by WebSocket; `live.snapshot`; and a return
with their position after a second away. Then a class starts: 1,000 others do all of it within 10 s. The session has
seats to count. It has a channel of the stand-in for IVS, so each answer carries a signed playback token. The members of
a Socket.IO room enter at the same pace beside the same chat.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import httpx
import uvloop

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import KsmpDialect
from loadtests.bench.launch import socketio
from loadtests.bench.machine import Others
from loadtests.bench.process import cpu_seconds
from loadtests.joining import bars
from loadtests.joining.door import connected, prepare
from loadtests.joining.phase import Class, Phase, each, quantile
from loadtests.stack import Stack

# In ms, of each step by itself; a run over it fails.
BAR: Final = 200.0
# Seconds that a student is away before the return.
AWAY: Final = 1.0
START: Final = 10.0
# Requests of each of 50 users, which no limit on requests refuses.
ASKED: Final = 40

Figures = dict[str, float]


async def measure(running: Stack, options: argparse.Namespace, figures: Figures) -> list[Phase]:
    pids = running.gateway_pids
    count, seconds = options.joins, options.seconds
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=30.0) as http:
        people = options.viewers + 2 * count
        door = await prepare(running, http, 2 * people)
        await each(tokens(running, people, 3600.0), door.enrol)
        # Others than those that enrolled: a gateway has seen neither the token nor, lately, its user.
        fresh = tokens(running, people, 7200.0)
        viewers, students, starters = fresh[: -2 * count], fresh[-2 * count : -count], fresh[-count:]
        figures["me"] = await me(running, viewers[:50])
        crowd = Crowd(running.sockets, KsmpDialect(door.room))
        await crowd.enter(viewers)
        await each(viewers[:50], door.ask)
        going = Class(pids, crowd, options.chat)
        print(f"the chat alone: {await going.settle():.3f} of the server's core", flush=True)
        arrived = going.arrived

        async def ask(number: int) -> None:
            await door.ask(students[number])

        async def snapshot(number: int) -> None:
            await door.snapshot(arrived[number])

        async def go(number: int) -> None:
            arrived[number].close()
            await asyncio.sleep(AWAY)

        # The members are in the order in which they came, and the tokens are not.
        who: dict[int, str] = {}

        async def enter(number: int) -> None:
            member = await door.enter(students[number])
            who[len(arrived)] = students[number]
            arrived.append(member)

        async def come_back(number: int) -> None:
            arrived[number] = await door.come_back(arrived[number], who[number])

        async def whole(number: int) -> None:
            await door.ask(starters[number])
            member = await door.enter(starters[number])
            await door.snapshot(member)
            arrived.append(member)

        phases: list[Phase] = []

        async def step(figure: str, name: str, *how: Callable[[int], Awaitable[None]]) -> Phase:
            phase = await going.phase(name, count, seconds, *how)
            figures[figure] = phase.cpu * 1e6
            phases.append(phase)
            return phase

        await step("post", "POST …/join", ask)
        entered = await step("enter", "connect, join", enter)
        figures["memory"] = entered.grown
        if len(arrived) == count:
            await step("snapshot", "live.snapshot", snapshot)
            await step("back", "a return with the position", come_back, go)
        await going.leave()
        start = await going.phase("a class start", count, START, whole)
        phases.append(start)
        figures["entry"] = start.cpu * 1e6
        figures["start_refused"] = float(len(start.wrong))
        figures["start_p95"] = quantile(start.took, 0.95)
        figures["start_chat_p99"] = start.chat.p99
        await going.leave()
        await crowd.leave()
        return phases


async def me(running: Stack, tokens: Sequence[str]) -> float:
    """Server CPU µs of a `GET /api/v1/auth/me` over a connection that is kept, with tokens that are known."""

    async def ask(http: httpx.AsyncClient, times: int) -> None:
        for _ in range(times):
            for token in tokens:
                answer = await http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
                answer.raise_for_status()

    async with httpx.AsyncClient(base_url=running.gateways[0], timeout=30.0) as http:
        await ask(http, 2)
        before = cpu_seconds(running.gateway_pids)
        await ask(http, ASKED)
        return (cpu_seconds(running.gateway_pids) - before) / (ASKED * len(tokens)) * 1e6


async def peer(options: argparse.Namespace) -> Phase:
    """The members of a Socket.IO room, who connect and join at the same pace beside the same chat."""
    async with socketio() as server:
        crowd = Crowd(server.urls, server.dialect)
        await crowd.enter([""] * options.viewers)
        going = Class(server.pids, crowd, options.chat)
        await going.settle()

        async def enter(number: int) -> None:
            going.arrived.append(await connected(server.urls[0], server.dialect, ""))

        found = await going.phase("Socket.IO: connect, join", options.joins, options.seconds, enter)
        await going.leave()
        await crowd.leave()
        return found


def tokens(running: Stack, count: int, ttl: float) -> list[str]:
    return list(many_tokens(Path(running.data), Role.STUDENT, count=count, prefix="joining", ttl=ttl))


async def run(options: argparse.Namespace) -> int:
    figures: Figures = {}
    others = Others()
    async with stack.placed() as running:
        found = await measure(running, options, figures)
        # What has ended counts as another's, so not later.
        share = others.share()
    if options.peer:
        beside = await peer(options)
        found.append(beside)
        figures["enter_ratio"] = figures["enter"] / (beside.cpu * 1e6)
    failed = False
    for phase in found:
        print("\n".join(phase.lines()))
        failed = failed or bool(phase.wrong)
    for phase in found[:-1] if options.peer else found:
        if phase.name != "a class start" and quantile(phase.took, 0.95) >= BAR:
            failed = True
            print(f"FAILED: {phase.name}: the bar of p95 is {BAR:.0f} ms")
    print("\n".join(["", *bars.table(figures)]))
    for title in bars.missed(figures):
        failed = True
        print(f"FAILED: {title}")
    print(f"share of the machine that others used: {share:.2f}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.joining", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--viewers", type=int, default=1000, help="who are there already")
    parser.add_argument("--joins", type=int, default=1000, help="who come")
    parser.add_argument("--seconds", type=float, default=30.0, help="within which they come, in each step")
    parser.add_argument("--chat", type=float, default=8.0, help="messages a second")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="leave Socket.IO out; it needs node 20")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main())
