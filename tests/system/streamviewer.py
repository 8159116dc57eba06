"""A viewer whom the network lets have a WebSocket only now and then: else an event stream, and commands by POST."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from tests.system.viewer import Lost, Viewer

# How many of its visits are over an event stream.
STREAMED = 0.75


class StreamViewer(Viewer):
    """Comes back each time over either transport with the position it has from the other."""

    async def _visit(self, *, final: bool) -> None:
        if self._random.random() >= STREAMED:
            await super()._visit(final=final)
            return
        base = self._random.choice(self._urls).replace("ws://", "http://").removesuffix("/realtime")
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with httpx.AsyncClient(base_url=base, headers=headers, timeout=15, trust_env=False) as http:
                await self._stream(http, final=final)
        except httpx.HTTPError as error:
            raise Lost from error

    async def _stream(self, http: httpx.AsyncClient, *, final: bool) -> None:
        segment = self.segment
        params = {"room": self._room}
        headers = {}
        if segment is not None:
            mark = f"{self._room}|{segment.epoch}|{segment.end}"
            if self._random.random() < 0.5:
                params["since"] = mark
            else:
                headers["Last-Event-ID"] = mark
        self._joining = True
        async with http.stream("GET", "/realtime/sse", params=params, headers=headers) as response:
            if response.status_code != 200:
                self._count(json.loads(await response.aread())["code"])
                raise Lost
            self.streams += 1
            entered = asyncio.Event()
            reader = asyncio.create_task(self._follow(response, entered))
            entering = asyncio.create_task(entered.wait())
            try:
                await asyncio.wait({reader, entering}, timeout=15, return_when=asyncio.FIRST_COMPLETED)
                if not entered.is_set():
                    raise Lost
                if not final:
                    await self._act(http, reader)
            finally:
                entering.cancel()
                reader.cancel()
                await asyncio.gather(reader, entering, return_exceptions=True)

    async def _follow(self, response: httpx.Response, entered: asyncio.Event) -> None:
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            message = json.loads(line.removeprefix("data: "))
            if message.get("room") != self._room:
                continue
            if message["push"] == "joined":
                if "epoch" not in message["data"]:
                    self._count(message["data"]["error"]["code"])
                    return
                self._joined(message["data"])
                entered.set()
            elif "seq" in message:
                self._pushed(message)

    async def _call(self, line: Any, command: dict[str, Any], *, timeout: float, raw: bool = False) -> dict[str, Any]:
        if not isinstance(line, httpx.AsyncClient):
            return await super()._call(line, command, timeout=timeout, raw=raw)
        body = {name: value for name, value in command.items() if name != "room"}
        response = await line.post(f"/api/v1/rooms/{self._room}/commands", json=body, timeout=timeout)
        if response.status_code == 200:
            return {"ok": response.json()}
        problem = response.json()
        return {"error": {**problem, "retry_after": float(response.headers.get("retry-after", 1))}}
