"""Measures how fast client events come in beside a class that chats: `python -m loadtests.analytics ingest`.

A gateway has a core to itself; NATS, PostgreSQL and this program share the other one. First the class chats alone. Then
clients send events by HTTP at a steady rate beside it. Last, events that wait in the stream are stored as fast as the
gateway can, as after an outage, beside the chat as well.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.analytics.senders import EVENT, Clients, put
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import KsmpDialect
from loadtests.bench.machine import Others
from loadtests.bench.process import cpu_seconds, family
from loadtests.joining.phase import Class, Phase, quantile
from loadtests.stack import Stack

STUDENTS: Final = 200
# Stored figures may lag behind by this at the end, in seconds.
LIMIT: Final = 60.0
# The chat is told to be moved when its p99 grows over both.
MOVED_MS: Final = 20.0
BAR_MS: Final = 100.0
SETTINGS: Final = {
    "KSMP_REQUEST_RATE": "100000",
    "KSMP_REQUEST_BURST": "100000",
    "KSMP_ANALYTICS_EVENTS_PER_MINUTE": "100000000",
}
CHOOSE: Final = """
    INSERT INTO analytics_consent (user_id, analytics, changed_at, rev)
    SELECT user_id, true, now(), 1 FROM unnest($1::text[]) AS user_id ON CONFLICT DO NOTHING
"""
# The chat beside what waits in the stream lasts as long as storing does at this rate.
CHAT_BESIDE: Final = 20_000
LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
STORED: Final = "SELECT coalesce(sum(count), 0)::bigint FROM analytics_rollup WHERE name = $1"


class Ingest:
    """One gateway, its database and its class."""

    def __init__(self, running: Stack, database: asyncpg.Pool, options: argparse.Namespace) -> None:
        self._running = running
        self._database = database
        self._options = options
        self._gateway_pids = running.gateway_pids

    async def measure(self) -> int:
        options = self._options
        data = Path(self._running.data)
        tokens = list(many_tokens(data, Role.STUDENT, count=STUDENTS, prefix="tracker", ttl=3600.0))
        users = [f"tracker-{number}" for number in range(STUDENTS)]
        await self._database.execute(CHOOSE, users)
        crowd = Crowd(self._running.sockets, KsmpDialect(self._running.room))
        await crowd.enter(list(many_tokens(data, Role.STUDENT, count=options.viewers, prefix="viewer", ttl=3600.0)))
        going = Class(self._gateway_pids, crowd, options.chat)
        await going.settle()
        others = Others()
        async with httpx.AsyncClient(timeout=60.0, limits=LIMITS, trust_env=False) as http:
            clients = Clients(self._running.gateways[0], tokens, http, options.per_request)
            alone = await going.phase("the chat alone", 0, options.seconds, clients.send)
            moved = await self._by_http(going, clients, alone)
        drained = await self._by_stream(going, users, alone)
        await crowd.leave()
        print(f"share of the machine that others used: {others.share():.2f}")
        return 1 if moved or drained else 0

    async def _by_http(self, going: Class, clients: Clients, alone: Phase) -> bool:
        options, before = self._options, await self._stored()
        requests = int(options.rate * options.seconds / options.per_request)
        cpu, begun = self._cpu(), time.monotonic()
        beside = await going.phase(f"{options.rate} events a second by HTTP", requests, options.seconds, clients.send)
        took = time.monotonic() - begun
        at_end = await self._stored() - before
        lag = await self._until(before + clients.accepted)
        print("\n".join(beside.lines()))
        print(
            f"  {clients.accepted:,} events accepted in {took:.1f} s: {clients.accepted / took:,.0f} a second;"
            f" {at_end:,} of them stored by then, and all {lag:.1f} s later"
        )
        self._print_cpu(cpu, clients.accepted)
        print(f"  a request of {options.per_request} events: p95 {quantile(beside.took, 0.95):.0f} ms")
        return self._moved(alone, beside) or bool(beside.wrong)

    async def _by_stream(self, going: Class, users: Sequence[str], alone: Phase) -> bool:
        """Put what waits after an outage into the stream, and see how fast it is stored."""
        total, before, cpu = self._options.waiting, await self._stored(), self._cpu()

        async def drained() -> float:
            begun = time.monotonic()
            await put(self._running.nats_url.split(",")[0], total, users)
            await self._until(before + total)
            return time.monotonic() - begun

        draining = asyncio.create_task(drained())
        beside = await going.phase(f"{total:,} events that wait in the stream", 0, total / CHAT_BESIDE, nothing)
        took = await draining
        print("\n".join(beside.lines()))
        print(f"  stored in {took:.1f} s: {total / took:,.0f} a second")
        self._print_cpu(cpu, total)
        return self._moved(alone, beside)

    def _moved(self, alone: Phase, beside: Phase) -> bool:
        print(f"  chat p99: {alone.chat.p99:.0f} ms alone, {beside.chat.p99:.0f} ms beside it")
        return beside.chat.p99 >= BAR_MS and beside.chat.p99 > alone.chat.p99 + MOVED_MS

    async def _until(self, stored: int) -> float:
        """Seconds until so many are stored."""
        begun = time.monotonic()
        async with asyncio.timeout(LIMIT):
            while await self._stored() < stored:
                await asyncio.sleep(0.1)
        return time.monotonic() - begun

    async def _stored(self) -> int:
        found: int = await self._database.fetchval(STORED, EVENT)
        return found

    def _cpu(self) -> dict[str, float]:
        """Seconds of CPU by part."""
        pids = {
            "gateway": self._gateway_pids,
            "PostgreSQL": family(self._running.postgres_pid),
            "NATS": self._running.nats_pids,
        }
        return {name: cpu_seconds(of) for name, of in pids.items()}

    def _print_cpu(self, before: dict[str, float], events: int) -> None:
        """What does not depend on who else uses the machine: below 2 in all, two cores carry 10,000 events a second."""
        used = {name: (now - before[name]) / max(1, events) * 10_000 for name, now in self._cpu().items()}
        each = ", ".join(f"{name} {seconds:.2f}" for name, seconds in used.items())
        print(f"  seconds of CPU for 10,000 events, the chat included: {each}; {sum(used.values()):.2f} in all")


async def nothing(_: int) -> None:
    """Nobody comes."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=10_000, help="events a second by HTTP")
    parser.add_argument("--seconds", type=float, default=20.0, help="for which they come")
    parser.add_argument("--per-request", type=int, default=100, help="events of one request")
    parser.add_argument("--waiting", type=int, default=200_000, help="events that wait in the stream")
    parser.add_argument("--viewers", type=int, default=200, help="of the class")
    parser.add_argument("--chat", type=float, default=8.0, help="messages a second")


async def measure(options: argparse.Namespace) -> int:
    """Print the figures; 1 when the chat was moved, or an event was not accepted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with (
        stack.placed(**SETTINGS) as running,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=2) as database,
    ):
        return await Ingest(running, database, options).measure()
