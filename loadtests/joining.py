"""Measures what entering costs beside a class that is going on: `python -m loadtests.joining`.

1,000 viewers sit in a session's room and chat. Then 1,000 students of the program ask
`POST /api/v1/sessions/{id}/join` at random moments within half a minute. After that they enter the room by WebSocket
(connect, join, `live.snapshot`). Meanwhile some who were let in before ask again. The session has seats to count. It
has a channel of the stand-in for IVS, so each answer carries a signed playback token.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import httpx
import msgspec
import uvloop
from picows import WSFrame, WSTransport, ws_connect

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.crowd import Crowd, Traffic
from loadtests.bench.dialects import Client, KsmpDialect
from loadtests.bench.machine import Others
from loadtests.bench.member import Member
from loadtests.bench.process import cores, cpu_seconds, family, pin
from loadtests.stack import Stack

# In ms; a run over it fails.
BAR: Final = 200.0
AT_ONCE: Final = 20
QUIET: Final = 8.0
READY: Final = 30.0
SIZE: Final = 80


class Phase(msgspec.Struct):
    """Seconds that each student took, what was refused, and the gateway's CPU beyond the chat's."""

    name: str
    took: list[float]
    again: list[float]
    wrong: list[str]
    cpu: float
    chat: Traffic

    def lines(self) -> list[str]:
        found = [f"{self.name}: {_quantiles(self.took)}; server CPU {self.cpu * 1e3:.2f} ms each"]
        if self.again:
            found.append(f"  asked again beside it: {_quantiles(self.again)}")
        found.append(f"  chat beside it: p50 {self.chat.p50:.0f} ms, p99 {self.chat.p99:.0f} ms, {self.chat.lost} lost")
        return found + [f"  FAILED: {sentence}" for sentence in sorted(set(self.wrong))[:5]]


class Door:
    """The session, with what students need to enter it."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, program: str, session: str) -> None:
        self._http = http
        self._url = running.gateways[0]
        self._program = program
        self._session = session
        self.socket = running.sockets[0]
        self.room = f"session:{session}"

    async def enrol(self, token: str) -> None:
        answer = await self._post(f"/programs/{self._program}/enrolment", token)
        answer.raise_for_status()

    async def ask(self, token: str) -> None:
        """Join over REST. Raises RuntimeError when a part of the answer is missing."""
        answer = await self._post(f"/sessions/{self._session}/join", token)
        if answer.status_code != 200:
            raise RuntimeError(f"join was answered {answer.status_code}: {answer.text[:200]}")
        if not answer.json()["playback"]["token"]:
            raise RuntimeError("an answer without a playback token")

    async def enter(self, token: str) -> Member:
        """Connect, join and take a snapshot. Raises what a refused connection or command raises."""
        dialect = Arriving(self.room)
        _, listener = await ws_connect(lambda: Arrival(dialect), self.socket, websocket_handshake_timeout=20)
        member = cast(Member, listener)
        await dialect.enter(member, token)
        return member

    async def _post(self, path: str, token: str) -> httpx.Response:
        return await self._http.post(f"{self._url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


class Arriving(KsmpDialect):
    """Enters as an app does: it also asks for the state of the room."""

    def __init__(self, room: str) -> None:
        super().__init__(room)
        self.room = room

    async def enter(self, client: Client, token: str) -> None:
        await super().enter(client, token)
        await client.answer(self._command(client, cmd="live.snapshot", room=self.room, data={}))


class Arrival(Member):
    """Reads every message. A snapshot holds chat texts, so a text does not mark a delivery here."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.other(frame.msg_type, frame.get_payload_as_bytes())


async def prepare(running: Stack, http: httpx.AsyncClient, places: int) -> Door:
    """Make a program and a live session with video, as a mentor does."""
    mentor = {"Authorization": f"Bearer {running.tokens['mentor']}"}
    api = f"{running.gateways[0]}/api/v1"

    async def post(path: str, body: Any = None, **headers: str) -> Any:
        answer = await http.post(api + path, json=body, headers={**mentor, **headers})
        answer.raise_for_status()
        return answer.json()

    program = (await post("/programs", {"title": "Algebra"}))["id"]
    tag = (await http.get(f"{api}/programs/{program}", headers=mentor)).headers["etag"]
    await post(f"/programs/{program}/publish", **{"If-Match": tag})
    now = datetime.now(UTC)
    times = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
    session = (await post("/sessions", {"program_id": program, "title": "Class", "capacity": places, **times}))["id"]
    await post(f"/sessions/{session}/open")
    await post(f"/sessions/{session}/start")
    async with asyncio.timeout(READY):
        while (await http.get(f"{api}/sessions/{session}", headers=mentor)).json()["video"] != "ready":
            await asyncio.sleep(0.2)
    return Door(running, http, program, session)


async def by_chance(count: int, seconds: float, one: Callable[[int], Awaitable[None]]) -> tuple[list[float], list[str]]:
    """Let `count` come at random moments within the time. Returns how long each took, and what went wrong."""
    took: list[float] = []
    wrong: list[str] = []

    async def come(number: int, after: float) -> None:
        await asyncio.sleep(after)
        begun = time.perf_counter()
        try:
            await one(number)
        except (httpx.HTTPError, RuntimeError, OSError, TimeoutError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
        else:
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(come(number, random.uniform(0.0, seconds)) for number in range(count)))
    return took, wrong


async def measure(running: Stack, options: argparse.Namespace) -> list[Phase]:
    pids = running.gateway_pids
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=30.0) as http:
        door = await prepare(running, http, 2 * (options.viewers + options.joins))
        people = options.viewers + options.joins
        await each(tokens(running, people, 3600.0), door.enrol)
        # Others than those that enrolled: a gateway has seen neither the token nor, lately, its user.
        fresh = tokens(running, people, 7200.0)
        viewers, students = fresh[: options.viewers], fresh[options.viewers :]
        crowd = Crowd(running.sockets, KsmpDialect(door.room))
        await crowd.enter(viewers)
        await each(viewers[:50], door.ask)
        before, begun = cpu_seconds(pids), time.monotonic()
        await crowd.chat(options.chat, QUIET, SIZE)
        rate = (cpu_seconds(pids) - before) / (time.monotonic() - begun)
        print(f"the chat alone: {rate:.3f} of the server's core", flush=True)
        entered: list[Member] = []

        async def enter(number: int) -> None:
            entered.append(await door.enter(students[number]))

        async def ask(number: int) -> None:
            await door.ask(students[number])

        async def phase(name: str, one: Callable[[int], Awaitable[None]], asking: float | None = None) -> Phase:
            """`asking` is what one of the trickle costs, where it is no other than who comes."""
            before, begun = cpu_seconds(pids), time.monotonic()
            trickle = round(options.trickle * options.seconds)
            (took, wrong), (again, more), chat = await asyncio.gather(
                by_chance(len(students), options.seconds, one),
                by_chance(trickle, options.seconds, lambda number: door.ask(viewers[number % len(viewers)])),
                crowd.chat(options.chat, options.seconds, SIZE),
            )
            used = cpu_seconds(pids) - before - rate * (time.monotonic() - begun)
            each = used / max(1, len(took) + len(again))
            if asking is not None:
                each = (used - asking * len(again)) / max(1, len(took))
            return Phase(name, took, again, wrong + more, each, chat)

        asked = await phase("POST join", ask)
        found = [asked, await phase("connect, join, live.snapshot", enter, asked.cpu)]
        for member in entered:
            member.close()
        await crowd.leave()
        return found


async def each(tokens: Sequence[str], one: Callable[[str], Awaitable[None]]) -> None:
    """Run it for all of these, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def guarded(token: str) -> None:
        async with gate:
            await one(token)

    await asyncio.gather(*(guarded(token) for token in tokens))


def tokens(running: Stack, count: int, ttl: float) -> list[str]:
    return list(many_tokens(Path(running.data), Role.STUDENT, count=count, prefix="joining", ttl=ttl))


@contextlib.asynccontextmanager
async def placed() -> AsyncIterator[Stack]:
    """Run a `ksmp dev` whose gateway has a core to itself. Everything else shares the other core with this process."""
    async with stack.running(1) as running:
        generator, server = cores()
        pin(running.gateway_pids, server)
        pin([*running.nats_pids, *family(running.postgres_pid)], generator)
        pin([os.getpid()], generator)
        yield running


async def run(options: argparse.Namespace) -> int:
    others = Others()
    async with placed() as running:
        found = await measure(running, options)
        # What has ended counts as another's, so not later.
        share = others.share()
    failed = False
    for phase in found:
        print("\n".join(phase.lines()))
        slow = _quantile(phase.took, 0.95) >= BAR
        failed = failed or slow or bool(phase.wrong)
        if slow:
            print(f"  FAILED: the bar of p95 is {BAR:.0f} ms")
    print(f"share of the machine that others used: {share:.2f}")
    return 1 if failed else 0


def _quantile(took: Sequence[float], share: float) -> float:
    """In ms; infinite when nothing was measured."""
    ordered = sorted(took)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("inf")


def _quantiles(took: Sequence[float]) -> str:
    p50, p95, p99 = (_quantile(took, share) for share in (0.5, 0.95, 0.99))
    return f"{len(took)}, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.joining", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--viewers", type=int, default=1000, help="who are there already")
    parser.add_argument("--joins", type=int, default=1000, help="who come")
    parser.add_argument("--seconds", type=float, default=30.0, help="within which they come")
    parser.add_argument("--trickle", type=float, default=2.0, help="who ask again, a second")
    parser.add_argument("--chat", type=float, default=8.0, help="messages a second")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main())
