"""Reads an event stream (WHATWG HTML, section 9.2), and problem details as errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
import msgspec

from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer
from ksmp_client.messages import Position
from ksmp_client.wire import LARGEST_MESSAGE, Incoming, Wire

# A gateway sends a comment at least every 15 s. A stream that is silent for this many seconds is dead.
SILENCE: Final = 45.0
MEDIA_TYPE: Final = "text/event-stream"
_JSON: Final = Wire("json")


class Events:
    """Cuts chunks of bytes into the data of events. Only LF and CR LF end a line."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes. Raises msgspec.DecodeError when one is too large."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LARGEST_MESSAGE:
            raise msgspec.DecodeError("an event has no end")
        events = []
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data.clear()
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
        return events


class EventStream:
    """The body of an open response. Cancelling a `read` loses nothing."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()
        self._events = Events()
        self._reading: asyncio.Task[list[Incoming]] | None = None

    async def read(self) -> list[Incoming]:
        """The next events, at least one. An empty list means the end. Raises msgspec.DecodeError."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._next())
        events = await asyncio.shield(self._reading)
        self._reading = None
        return events

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        with suppress(httpx.HTTPError):
            await self._response.aclose()

    async def _next(self) -> list[Incoming]:
        try:
            async for chunk in self._chunks:
                if events := self._events.feed(chunk):
                    return [_JSON.decode(event) for event in events]
        except (httpx.HTTPError, httpx.StreamError):
            # Cut, or silent for too long. The next connection resumes what is missing.
            return []
        return []


async def open_stream(
    http: httpx.AsyncClient, url: str, token: str, rooms: Mapping[str, Position | None], timeout: float
) -> EventStream:
    """Open a stream. Raises CommandFailed when a gateway refuses it, and ConnectionLost when no gateway answers."""
    params: list[tuple[str, str | int | float | bool | None]] = [
        ("room", name) if position is None else ("since", f"{name}|{position.epoch}|{position.seq}")
        for name, position in rooms.items()
    ]
    # A proxy that compresses could hold events back.
    headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE, "Accept-Encoding": "identity"}
    request = http.build_request(
        "GET", url, params=params, headers=headers, timeout=httpx.Timeout(timeout, read=SILENCE)
    )
    try:
        async with asyncio.timeout(timeout):
            response = await http.send(request, stream=True)
            if response.status_code != 200:
                await response.aread()
    except (httpx.HTTPError, TimeoutError) as error:
        raise ConnectionLost(f"{type(error).__name__}: {error}") from None
    if response.status_code == 200 and response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return EventStream(response)
    await response.aclose()
    if (failed := problem(response)) is not None:
        raise failed
    raise ConnectionLost(f"no event stream, but HTTP {response.status_code}")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details of a request that failed (RFC 9457)."""

    code: str
    detail: str = ""
    temporary: bool = False


def problem(response: httpx.Response) -> CommandFailed | None:
    """The error of a gateway's response. None when something on the way sent the response."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        found = msgspec.json.decode(response.content, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, httpx.ResponseNotRead):
        return None
    wait = response.headers.get("retry-after", "")
    retry_after = float(wait) if wait.isascii() and wait.isdigit() else None
    return CommandFailed(found.code, found.detail, found.temporary, retry_after)


def result(response: httpx.Response) -> Any:
    """The ok of a command. Raises CommandFailed, with `unavailable` when no gateway has answered."""
    if response.status_code == 200:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode(response.content)
    raise problem(response) or no_answer(f"no reply, but HTTP {response.status_code}")
