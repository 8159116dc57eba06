"""POST requests by aiohttp. Only this file knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

# An idle connection is closed before FCM does so.
KEEP_ALIVE: Final = 30.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered. `retry_after` is the header as it came."""

    status: int
    body: bytes
    retry_after: str = ""


class NotAsked(Exception):
    """The server was not reached, so that it cannot have done anything."""


class Unanswered(Exception):
    """The server was reached, and did not answer to the end: perhaps it has done what it was asked."""


class HttpClient:
    """One pool of connections. `timeout` is for a whole request, and half of it for reaching the server."""

    def __init__(self, *, connections: int, timeout: float, most_bytes: int) -> None:
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout / 2)
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Raises NotAsked and Unanswered. Nothing is repeated, and no redirect is followed."""
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return HttpAnswer(answer.status, await self._read(answer), answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotAsked(_words(error)) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(_words(error)) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # It belongs to the loop that is running now.
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """The body; what is longer than it may be is cut off."""
        parts, size = [], 0
        async for part in answer.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > self._most_bytes:
                answer.close()
                break
        return b"".join(parts)[: self._most_bytes]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
