"""The session that students enter, and how each of them does it: over REST, by WebSocket, and again after a break."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import httpx
from picows import ws_connect

from loadtests.bench.dialects import Client, Dialect, KsmpDialect
from loadtests.bench.member import Member
from loadtests.stack import Stack

READY: Final = 30.0


class Door:
    """The session, with what students need to enter it."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, program: str, session: str) -> None:
        self._http = http
        self._url = running.gateways[0]
        self._program = program
        self._session = session
        self.socket = running.sockets[0]
        self.room = f"session:{session}"
        self._dialect = Arriving(self.room)

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
        """Connect and join. Raises what a refused connection or command raises."""
        return await connected(self.socket, self._dialect, token)

    async def snapshot(self, member: Member) -> None:
        await self._dialect.snapshot(member)

    async def come_back(self, member: Member, token: str) -> Member:
        """Connect with the position after the last message that the member got before it closed."""
        back = await opened(self.socket, self._dialect)
        await self._dialect.come_back(back, token, member)
        return back

    async def _post(self, path: str, token: str) -> httpx.Response:
        return await self._http.post(f"{self._url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


class Arriving(KsmpDialect):
    """Enters as an app does: it also asks for the state of the room."""

    def __init__(self, room: str) -> None:
        super().__init__(room)
        self.room = room

    async def snapshot(self, client: Client) -> None:
        await client.answer(self._command(client, cmd="live.snapshot", room=self.room, data={}))


async def connected(socket: str, dialect: Dialect, token: str) -> Member:
    member = await opened(socket, dialect)
    await dialect.enter(member, token)
    return member


async def opened(socket: str, dialect: Dialect) -> Member:
    _, listener = await ws_connect(lambda: Member(dialect), socket, websocket_handshake_timeout=20)
    return cast(Member, listener)


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
