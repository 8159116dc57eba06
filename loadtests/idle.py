"""Measures what sockets and rooms cost in which nothing happens: `python -m loadtests.idle`.

A gateway runs in this process, and the clients in another. First 10,000 sockets are signed in, each with its user's own
room. Then 10,000 rooms with presence have a member each: 100 sockets join 100 sessions. CPU is this process's, beyond
that of the gateway alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import time
from typing import Final

import msgspec
import uvloop

from devstack.issuer import DevelopmentIssuer
from gateway.app import Gateway
from gateway.principal import Role
from loadtests import alone
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import Client, KsmpDialect
from loadtests.bench.process import memory

ROOMS_EACH: Final = 100
SESSIONS: Final = """
    INSERT INTO live_session (id, program_id, title, mentor_id, state, visibility)
    SELECT 'idle-' || number, 'idle', 'Idle', 'idle', 'live', 'open' FROM generate_series(0, $1::integer - 1) AS number
"""


class Idling(KsmpDialect):
    """Signs in, and joins these rooms."""

    def __init__(self, rooms: dict[str, list[str]]) -> None:
        """`rooms` are those of each token."""
        super().__init__("")
        self._rooms = rooms

    async def enter(self, client: Client, token: str) -> None:
        await client.answer(self._command(client, cmd="connect", token=token))
        for room in self._rooms[token]:
            await client.answer(self._command(client, cmd="join", room=room))


async def clients(url: str) -> None:
    """The other process: enters with the tokens and rooms that it reads, says so, and leaves when it reads again."""
    rooms = msgspec.json.decode(await asyncio.to_thread(sys.stdin.buffer.readline), type=dict[str, list[str]])
    crowd = Crowd([url], Idling(rooms))
    await crowd.enter(list(rooms))
    print("in", flush=True)
    await asyncio.to_thread(sys.stdin.buffer.readline)


async def measure(gateway: Gateway, issuer: DevelopmentIssuer, url: str, options: argparse.Namespace) -> None:
    await gateway.database.fetch(SESSIONS, options.count)
    # A gateway that has just started still loads and compiles.
    await asyncio.sleep(options.seconds / 2)
    alone = await _cpu(options.seconds)
    print(f"the gateway alone: {alone * 1e3:.2f} ms of CPU a second", flush=True)
    sockets: dict[str, list[str]] = {_token(issuer, f"idle-{number}"): [] for number in range(options.count)}
    await _stage("sockets, each with its user's room", sockets, options.count, alone, url, options.seconds)
    await asyncio.sleep(gateway.settings.room_linger + gateway.settings.head_interval + 1)
    names = [f"session:idle-{number}" for number in range(options.count)]
    starts = range(0, len(names), ROOMS_EACH)
    rooms = {_token(issuer, f"idle-room-{start}"): names[start : start + ROOMS_EACH] for start in starts}
    await _stage("rooms with presence and a member", rooms, options.count, alone, url, options.seconds)


async def _stage(what: str, tokens: dict[str, list[str]], count: int, alone: float, url: str, seconds: float) -> None:
    held = memory([os.getpid()])
    command = [sys.executable, "-m", "loadtests.idle", "--clients", url]
    child = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(msgspec.json.encode(tokens) + b"\n")
    await child.stdin.drain()
    if await child.stdout.readline() != b"in\n":
        raise SystemExit("the clients did not come in")
    # What their entry leaves to do: attendance, presence, reads of heads.
    await asyncio.sleep(seconds / 2)
    used = await _cpu(seconds) - alone
    grown = (memory([os.getpid()]) - held) / count
    print(f"{count} {what}: {used * 1e3:.1f} ms of CPU a second", flush=True)
    print(f"  each: {used / count * 1e6:.2f} µs a second, {grown:.2f} KiB", flush=True)
    child.stdin.write(b"\n")
    await child.wait()


async def _cpu(seconds: float) -> float:
    """Seconds of CPU of this process in a second."""
    before, begun = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) / (time.monotonic() - begun)


def _token(issuer: DevelopmentIssuer, user: str) -> str:
    return issuer.token(user, name=user, role=Role.STUDENT, ttl=7200.0)


async def run(options: argparse.Namespace) -> None:
    async with alone.running(command_burst=10_000) as here:
        await measure(here.gateway, here.issuer, f"ws://{here.address}/realtime", options)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.idle", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="sockets, and then rooms")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement; a ping comes every 25 s")
    parser.add_argument("--clients", help=argparse.SUPPRESS)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(clients(options.clients) if options.clients else run(options))


if __name__ == "__main__":
    main()
