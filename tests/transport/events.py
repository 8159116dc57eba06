"""An event stream as its client reads it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import httpx

from ksmp_testkit import Running
from ksmp_testkit.socket_client import TIMEOUT, Message


class Events:
    """An event stream being read: `received` has each event as its `data`, `ids` its id or None."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.received: list[Message] = []
        self.ids: list[str | None] = []
        self.comments = 0
        self.ended = False
        self._taken: set[int] = set()
        self._changed = asyncio.Event()
        self.reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        id: str | None = None
        try:
            async for line in self.response.aiter_lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("id: "):
                    id = line.removeprefix("id: ")
                elif line.startswith("data: "):
                    self.received.append(json.loads(line.removeprefix("data: ")))
                    self.ids.append(id)
                    id = None
                else:
                    assert line == "", line
                self._changed.set()
        finally:
            self.ended = True
            self._changed.set()

    async def expect(self, wanted: Callable[[Message], bool], *, timeout: float = TIMEOUT) -> Message:
        async with asyncio.timeout(timeout):
            while True:
                self._changed.clear()
                for index, event in enumerate(self.received):
                    if index not in self._taken and wanted(event):
                        self._taken.add(index)
                        return event
                assert not self.ended, f"the stream ended; the last event was {self.received[-1:]}"
                await self._changed.wait()

    async def expect_push(self, push: str, room: str | None = None, *, timeout: float = TIMEOUT) -> Message:
        return await self.expect(
            lambda one: one["push"] == push and (room is None or one.get("room") == room), timeout=timeout
        )

    async def disconnect_push(self) -> Message:
        """Wait for the end of the stream. Returns the data of the `disconnect` that came last."""
        async with asyncio.timeout(TIMEOUT):
            await asyncio.shield(self.reader)
        assert self.received[-1]["push"] == "disconnect"
        data: Message = self.received[-1]["data"]
        return data

    def pushes(self, push: str, room: str) -> list[Message]:
        return [one for one in self.received if one["push"] == push and one.get("room") == room]

    def durable(self, room: str) -> list[Message]:
        return [one for one in self.received if one.get("room") == room and "seq" in one]


@contextlib.asynccontextmanager
async def stream(
    running: Running, token: str | None, *rooms: str, since: tuple[str, ...] = (), last: str | None = None
) -> AsyncIterator[Events]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    if last is not None:
        headers["Last-Event-ID"] = last
    params = [("room", room) for room in rooms] + [("since", mark) for mark in since]
    async with (
        httpx.AsyncClient(base_url=running.url, timeout=httpx.Timeout(TIMEOUT, read=None)) as http,
        http.stream("GET", "/realtime/sse", params=params, headers=headers) as response,
    ):
        assert response.status_code == 200, (await response.aread()).decode()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        events = Events(response)
        try:
            yield events
        finally:
            events.reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await events.reader
