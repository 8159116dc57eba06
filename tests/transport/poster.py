"""Commands by POST as the tests send them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from ksmp_testkit import Running
from ksmp_testkit.socket_client import TIMEOUT, Message


def problem(answer: httpx.Response, status: int, code: str) -> Message:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: Message = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    return body


class Poster:
    """Sends a user's commands by POST."""

    def __init__(self, running: Running, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        self.http = httpx.AsyncClient(base_url=running.url, headers=headers, timeout=TIMEOUT)

    async def post(self, room: str, cmd: Any, **fields: Any) -> httpx.Response:
        return await self.http.post(f"/api/v1/rooms/{room}/commands", json={"cmd": cmd, **fields})

    async def call(self, room: str, cmd: str, **fields: Any) -> Message:
        answer = await self.post(room, cmd, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        ok: Message = answer.json()
        return ok

    async def fails(self, status: int, code: str, room: str, cmd: Any, **fields: Any) -> httpx.Response:
        answer = await self.post(room, cmd, **fields)
        problem(answer, status, code)
        return answer

    async def say(self, room: str, text: str, **fields: Any) -> Message:
        return await self.call(room, "chat.send", data={"text": text}, **fields)


@contextlib.asynccontextmanager
async def poster(running: Running, token: str | None) -> AsyncIterator[Poster]:
    one = Poster(running, token)
    async with one.http:
        yield one
