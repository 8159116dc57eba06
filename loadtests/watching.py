"""Measures what it costs that hosts watch a class: `python -m loadtests.watching`.

A class of so many viewers sits in a session's room, with a poll, raised hands and questions. Three hosts are in the
staff room, and nothing else happens. CPU of the gateway and of PostgreSQL is measured while nobody watches, and while
the hosts do. The gateway looks ten times as often as it does by default, because one look costs little.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import uvloop

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import Client, KsmpDialect
from loadtests.bench.machine import Others
from loadtests.bench.process import cpu_seconds, family
from loadtests.stack import Stack

HOSTS: Final = 3
INTERVAL: Final = 0.2
# That of a gateway by default, in seconds.
USUAL: Final = 2.0
SESSION: Final = """
    INSERT INTO live_session (id, program_id, title, mentor_id, state, visibility, started_at)
    VALUES ($1, 'watching', 'Watched', 'nobody', 'live', 'open', now() - interval '50 minutes')
"""
# Those who came and went before, so that the curve has something to count.
EARLIER: Final = """
    INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
    SELECT $1, 'early-' || number, 'gone', now() - interval '45 minutes', now() - interval '5 minutes', 'E', false
    FROM generate_series(1, $2::integer) AS number
"""
HANDS: Final = """
    INSERT INTO live_hand (session_id, user_id, name, state, raised_at)
    SELECT $1, 'early-' || number, 'E', 'raised', now() FROM generate_series(1, 20) AS number
"""
QUESTIONS: Final = """
    INSERT INTO live_question (id, session_id, author_id, author_name, anonymous, text, state, asked_at)
    SELECT $1 || '-' || number, $1, 'early-' || number, 'E', false, 'Why?', 'open', now()
    FROM generate_series(1, 50) AS number
"""
POLL: Final = """
    INSERT INTO live_poll (
        id, session_id, question, options, multiple, anonymous, revote, shown, state, opened_at, counts
    ) VALUES (
        $1 || '-poll', $1, 'Ready?', '{Yes,No}', false, false, false, true, 'open', now() - interval '1 minute', '{1,1}'
    )
"""
WATCHED: Final = "SELECT count(*) FROM analytics_watch WHERE session_id = $1"


class Cost(msgspec.Struct):
    """CPU in seconds a second, and pushes a second to one host."""

    gateway: float
    postgres: float
    pushes: float = 0.0


class Hosts(KsmpDialect):
    """Enters the staff room, and watches when it is asked to."""

    async def watch(self, client: Client) -> None:
        await client.answer(self._command(client, cmd="analytics.watch", room=self._room, data={}))

    async def leave(self, client: Client) -> None:
        await client.answer(self._command(client, cmd="leave", room=self._room))

    async def join(self, client: Client) -> None:
        await client.answer(self._command(client, cmd="join", room=self._room))


async def measure(running: Stack, viewers: int, options: argparse.Namespace) -> tuple[Cost, Cost]:
    """What the class costs unwatched and watched."""
    session = uuid.uuid4().hex
    database = await asyncpg.connect(running.database_url)
    try:
        await database.execute(SESSION, session)
        await database.execute(EARLIER, session, viewers)
        for statement in (HANDS, QUESTIONS, POLL):
            await database.execute(statement, session)
        crowd = Crowd(running.sockets, KsmpDialect(f"session:{session}"))
        await crowd.enter(_tokens(running, Role.STUDENT, viewers, "viewer"))
        dialect = Hosts(f"staff:{session}")
        hosts = Crowd(running.sockets, dialect)
        await hosts.enter(_tokens(running, Role.ADMIN, HOSTS, "host"))
        # What their entry leaves to do: attendance, presence.
        await asyncio.sleep(10)
        unwatched: list[Cost] = []
        watched: list[Cost] = []
        for _ in range(options.rounds):
            unwatched.append(await _cost(running, hosts, options.seconds))
            await dialect.watch(hosts.members[0])
            watched.append(await _cost(running, hosts, options.seconds))
            for host in hosts.members:
                await dialect.leave(host)
            while await database.fetchval(WATCHED, session):
                await asyncio.sleep(0.1)
            for host in hosts.members:
                await dialect.join(host)
        await hosts.leave()
        await crowd.leave()
    finally:
        await database.close()
    return _mean(unwatched), _mean(watched)


async def _cost(running: Stack, hosts: Crowd, seconds: float) -> Cost:
    gateway, postgres = running.gateway_pids, family(running.postgres_pid)
    for host in hosts.members:
        host.pushed = 0
    before = cpu_seconds(gateway), cpu_seconds(postgres)
    await asyncio.sleep(seconds)
    used = cpu_seconds(gateway) - before[0], cpu_seconds(postgres) - before[1]
    pushes = sum(host.pushed for host in hosts.members) / len(hosts.members)
    return Cost(used[0] / seconds, used[1] / seconds, pushes / seconds)


def _mean(costs: Sequence[Cost]) -> Cost:
    count = len(costs)
    return Cost(
        sum(one.gateway for one in costs) / count,
        sum(one.postgres for one in costs) / count,
        sum(one.pushes for one in costs) / count,
    )


def _tokens(running: Stack, role: Role, count: int, prefix: str) -> list[str]:
    return list(many_tokens(Path(running.data), role, count=count, prefix=prefix, ttl=7200.0))


async def run(options: argparse.Namespace) -> None:
    settings = {"KSMP_ANALYTICS_WATCH_INTERVAL": str(INTERVAL), "KSMP_ANALYTICS_WATCH_GRACE": "0.5"}
    async with stack.running(1, **settings) as running:
        for viewers in options.viewers:
            others = Others()
            unwatched, watched = await measure(running, viewers, options)
            print(_line(viewers, unwatched, watched, others.share()), flush=True)


def _line(viewers: int, unwatched: Cost, watched: Cost, others: float) -> str:
    """At the usual interval a look is a look, and the curve is read once a minute at either."""
    gateway, postgres = watched.gateway - unwatched.gateway, watched.postgres - unwatched.postgres
    usual = INTERVAL / USUAL * 1e2
    return (
        f"{viewers:5} viewers: {watched.pushes:.1f} pushes a second to each of {HOSTS} hosts. "
        f"A look: {gateway * INTERVAL * 1e3:.2f} ms of the gateway, {postgres * INTERVAL * 1e3:.2f} of PostgreSQL. "
        f"Every {USUAL:g} s: {gateway * usual:.2f} and {postgres * usual:.2f} % of a core. "
        f"Unwatched: {unwatched.gateway * 1e2:.1f} and {unwatched.postgres * 1e2:.1f} %. "
        f"Others used {others:.2f} of the machine."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.watching", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--viewers", type=int, nargs="+", default=[10, 100, 1000], help="classes of so many")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="unwatched and watched by turns")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
