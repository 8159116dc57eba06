"""One HTTP request and its answer, between uvicorn and what the stand-in does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CREDENTIAL = re.compile(r"Credential=[^/,]*/(?P<date>\d+)/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request; `path` is as the client encoded it, header names are lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of this name, empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def parameters(self) -> Mapping[str, list[str]]:
        return parse_qs(self.query, keep_blank_values=True)

    @property
    def scope(self) -> tuple[str, str]:
        """The region and the service that the request is signed for, empty when it is not signed."""
        match = _CREDENTIAL.search(self.header("authorization"))
        return (match["region"], match["service"]) if match else ("", "")


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer. With `cut` there is none: the connection ends."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    cut: bool = False

    def header(self, name: str) -> str:
        """The first header of this lower-case name, empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it whole; the answer to a HEAD keeps the length that its headers state."""
        if self.cut:
            await _cut(send)
            return
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if not any(name.lower() == b"content-length" for name, _ in headers) and self.status != 204:
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})


async def _cut(send: Send) -> None:
    """End the connection. ASGI has no word for it: uvicorn's `send` is a method of what holds the transport."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    transport.abort()
    # The loop tells uvicorn in its next rounds, which writes an answer of its own otherwise.
    for _ in range(3):
        await asyncio.sleep(0)


async def receive_request(scope: Scope, receive: Receive) -> Request:
    """Read the request with its whole body."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        body=b"".join(parts),
    )
