"""Three hundred users on two gateways, one of which is killed: the report is what they did, but for its last moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import websockets

from gateway.principal import Role
from tests.system.cluster import Cluster
from tests.system.conftest import ATTENDANCE_GAP, ATTENDANCE_INTERVAL

USERS = 300
SECONDS = 11.0
KILLED_AFTER = 4.0
# What lies well on one side of the gap or on the other, also with what a kill loses.
SHORT, LONG = (0.1, 0.6), (5.5, 6.0)
# A busy machine: what a user does, and what the gateway sees of it, are so much apart.
SLACK = 2.0
Interval = tuple[float, float]


class Student:
    """Comes and goes, with one tab or two, and writes down when they were there."""

    def __init__(self, number: int, cluster: Cluster, room: str) -> None:
        self.id = f"student-{number}"
        self.there: list[Interval] = []
        self._random = random.Random(number)
        self._urls = cluster.urls
        self._token = cluster.issuer.token(self.id, name=self.id, role=Role.STUDENT, ttl=600.0)
        self._room = room

    async def attend(self, over: asyncio.Event) -> None:
        tabs = self._random.choice((1, 1, 2))
        # Of two tabs that come and go as they like, an absence could be just as long as the gap.
        absences = (SHORT, SHORT, LONG) if tabs == 1 else (SHORT,)
        await asyncio.gather(*(self._tab(over, absences) for _ in range(tabs)))

    async def _tab(self, over: asyncio.Event, absences: tuple[Interval, ...]) -> None:
        await asyncio.sleep(self._random.uniform(0.0, 1.5))
        while not over.is_set():
            # The killed one is not there for a while; who would go there goes to the other.
            for url in self._random.sample(self._urls, 2):
                with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                    await self._visit(url, over)
                    break
            away = self._random.choice(absences)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._random.uniform(*away))

    async def _visit(self, url: str, over: asyncio.Event) -> None:
        async with asyncio.timeout(10):
            socket = await websockets.connect(url, compression=None, ping_interval=None, close_timeout=1)
        try:
            await socket.send(json.dumps({"id": 1, "cmd": "connect", "token": self._token}))
            await socket.send(json.dumps({"id": 2, "cmd": "join", "room": self._room}))
            async with asyncio.timeout(10):
                if not await _joined(socket):
                    return
            begun = time.time()
            reading = asyncio.create_task(_read(socket))
            ending = asyncio.create_task(over.wait())
            stay = self._random.choice((0.5, 3.0, 60.0, 60.0))
            await asyncio.wait({reading, ending}, timeout=stay, return_when=asyncio.FIRST_COMPLETED)
            self.there.append((begun, time.time()))
            for task in (reading, ending):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
        finally:
            await socket.close()


async def _joined(socket: websockets.ClientConnection) -> bool:
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message.get("id") == 2:
            return "ok" in message


async def _read(socket: websockets.ClientConnection) -> None:
    with contextlib.suppress(websockets.WebSocketException):
        async for _ in socket:
            pass


def truth(intervals: list[Interval], start: float, end: float, gap: float = ATTENDANCE_GAP) -> float:
    """How long that was after the start, with short absences; by looking at each twentieth of a second."""
    step, count, last = 0.05, 0.0, None
    moment = min([start, *(begun for begun, _ in intervals)])
    while moment < end:
        if any(begun <= moment < left for begun, left in intervals):
            if last is not None and moment - last <= gap:
                count += max(0.0, moment - max(last, start))
            last = moment
        moment += step
    return count


async def test_the_report_of_three_hundred_is_what_they_did(cluster: Cluster) -> None:
    room = await cluster.create_session("meera")
    session = room.partition(":")[2]
    connection = await asyncpg.connect(cluster.postgres.url)
    try:
        await connection.execute("UPDATE live_session SET state = 'live', started_at = now() WHERE id = $1", session)
    finally:
        await connection.close()
    students = [Student(number, cluster, room) for number in range(USERS)]
    over = asyncio.Event()
    attending = [asyncio.create_task(student.attend(over)) for student in students]
    await asyncio.sleep(KILLED_AFTER)
    await cluster.kill_gateway(0)
    await asyncio.sleep(SECONDS - KILLED_AFTER)
    base = cluster.urls[1].replace("ws://", "http://").removesuffix("/realtime")
    token = cluster.issuer.token("meera", name="Meera", role=Role.MENTOR, ttl=600.0)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{base}/api/v1/sessions/{session}", headers=headers, timeout=30) as http:
        ended = await http.post("/end")
        assert ended.status_code == 200, ended.text
        over.set()
        async with asyncio.timeout(40):
            await asyncio.gather(*attending)
            while not (curve := (await http.get("/attendance/curve")).json())["settled"]:
                await asyncio.sleep(0.2)
        rows: dict[str, dict[str, Any]] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = (
                await http.get("/attendance", params={"limit": 200} | ({"cursor": cursor} if cursor else {}))
            ).json()
            rows |= {row["user_id"]: row for row in page["items"]}
            cursor = page["next"]
    await cluster.wait_up(0)
    session_view = ended.json()
    start, end = (_seconds(session_view[name]) for name in ("started_at", "ended_at"))
    errors, stayed = {}, 0
    for student in students:
        was = truth(student.there, start, end)
        row = rows.pop(student.id, {"seconds": 0})
        errors[student.id] = row["seconds"] - was
        if any(begun < end <= left for begun, left in student.there):
            # Also where only the other gateway knew of them when it ended.
            assert row["last_at"] == session_view["ended_at"], row
            stayed += 1
    # No one but the students.
    assert rows == {}
    worst = max(errors.values(), key=abs)
    print(
        f"\n  {len(errors)} users, the report is off by at most {worst:+.2f} s; peak {curve['totals']['peak_viewers']}"
    )
    assert abs(worst) <= ATTENDANCE_INTERVAL + SLACK, sorted(errors.items(), key=lambda one: abs(one[1]))[-10:]
    assert stayed > USERS / 3
    assert curve["totals"]["viewers"] >= stayed


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
