"""Handshakes that are refused: so many from one address are answered with the reason, and one log line tells of many.

A handshake that is in order is never counted, so nobody is kept out by others behind the same address.
"""

from __future__ import annotations

import math
import time
from http import HTTPStatus
from typing import Final

from gateway.client_network import network_of
from gateway.protocol.buckets import Buckets
from gateway.settings import Settings
from gateway.transport.client_address import ClientAddresses
from gateway.transport.handshake import Headers, Refused
from gateway.transport.refusal import refusal
from gateway.transport.refusal_log import RefusalLog

# Addresses that are remembered.
KEPT: Final = 10_000


class RefusedHandshakes:
    """Counts the refused handshakes of a process, by the network of the client."""

    def __init__(self, settings: Settings, addresses: ClientAddresses) -> None:
        self._rate = settings.refused_handshake_rate
        self._burst = settings.refused_handshake_burst
        self._addresses = addresses
        self._buckets: Buckets[str] = Buckets(KEPT)
        self._log = RefusalLog("connections.refused", settings.refused_handshake_log)

    def answer(self, refused: Refused, client: tuple[str, int] | None, headers: Headers) -> bytes:
        """The answer to a refused handshake from this peer, once it is counted."""
        if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # That is the gateway's own state, and the client is to come again.
            return refused.response
        address = network_of(self._addresses.host(client, headers))
        wait = self._buckets.take(address, self._rate, self._burst, time.monotonic())
        origins = (value.decode("latin-1") for name, value in headers if name == b"origin")
        self._log.note(str(refused), address, origins)
        if wait == 0.0:
            return refused.response
        again = f"retry-after: {math.ceil(wait)}\r\n"
        return refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many handshakes that were refused", again)
