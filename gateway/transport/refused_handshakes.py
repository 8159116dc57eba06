"""Handshakes that are refused: so many from one address are answered with the reason, and one log line tells of many.

A handshake that is in order is never counted, so nobody is kept out by others behind the same address.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from cachetools import LRUCache
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.client_network import network_of, with_mapped
from gateway.protocol.bucket import Bucket
from gateway.settings import Settings
from gateway.transport.handshake import Headers, Refused
from gateway.transport.refusal import refusal

log = structlog.get_logger(__name__)

# Addresses that are remembered; the least recently used is forgotten.
KEPT: Final = 10_000
# Addresses that one log line counts, origins that it names, and the length of each.
ADDRESSES: Final = 1000
ORIGINS: Final = 5
ORIGIN: Final = 200


class RefusedHandshakes:
    """Counts the refused handshakes of a process, by the network of the client."""

    def __init__(self, settings: Settings) -> None:
        self._rate = settings.refused_handshake_rate
        self._burst = settings.refused_handshake_burst
        self._together = settings.refused_handshake_log
        proxies = with_mapped(settings.trusted_proxies)
        self._trusted = ProxyHeadersMiddleware(cast(Any, None), proxies).trusted_hosts if proxies else None
        self._buckets: LRUCache[str, Bucket] = LRUCache(KEPT)
        self._reasons: Counter[str] = Counter()
        self._addresses: set[str] = set()
        self._origins: set[str] = set()
        self._due: asyncio.TimerHandle | None = None

    def answer(self, refused: Refused, client: tuple[str, int] | None, headers: Headers) -> bytes:
        """The answer to a refused handshake from this peer, once it is counted."""
        if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # That is the gateway's own state, and the client is to come again.
            return refused.response
        address = self._address(client, headers)
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = Bucket(self._rate, self._burst)
        wait = bucket.take(time.monotonic())
        self._note(refused, address, headers)
        if wait == 0.0:
            return refused.response
        again = f"retry-after: {math.ceil(wait)}\r\n"
        return refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many handshakes that were refused", again)

    def _address(self, client: tuple[str, int] | None, headers: Headers) -> str:
        host = client[0] if client else "unknown"
        if self._trusted is not None and host in self._trusted:
            forwarded = b", ".join(value for name, value in headers if name == b"x-forwarded-for")
            if forwarded:
                host = self._trusted.get_trusted_client_address(forwarded.decode("latin-1"))[0] or host
        return network_of(host)

    def _note(self, refused: Refused, address: str, headers: Headers) -> None:
        self._reasons[str(refused)] += 1
        if len(self._addresses) < ADDRESSES:
            self._addresses.add(address)
        if len(self._origins) < ORIGINS:
            self._origins |= {value[:ORIGIN].decode("latin-1") for name, value in headers if name == b"origin"}
        if self._due is None:
            self._tell()

    def _tell(self) -> None:
        """Log what was refused since the last line: the first one at once, later ones together."""
        self._due = None
        if not self._reasons:
            return
        log.info(
            "connections.refused",
            count=self._reasons.total(),
            reasons=dict(self._reasons),
            addresses=len(self._addresses),
            origins=sorted(self._origins),
        )
        self._reasons, self._addresses, self._origins = Counter(), set(), set()
        self._due = asyncio.get_running_loop().call_later(self._together, self._tell)
