"""Commands `connect` that are refused: bad tokens are limited by address, and one log line tells of many.

Every token is verified, whatever came from its address before, so a good one is never refused for what others sent: a
school has one address. Over the limit a connection has one try: it is closed with the error of its bad token.
"""

from __future__ import annotations

import time
from typing import Final

from gateway.client_network import network_of
from gateway.errors import KsmpError, Refused
from gateway.protocol.buckets import Buckets
from gateway.settings import Settings
from gateway.transport.refusal_log import RefusalLog

# Addresses that are remembered.
KEPT: Final = 10_000


class RefusedConnects:
    """Counts the bad tokens of a process, by the network of the client."""

    def __init__(self, settings: Settings) -> None:
        self._rate = settings.refused_connect_rate
        self._burst = settings.refused_connect_burst
        self._buckets: Buckets[str] = Buckets(KEPT)
        self._log = RefusalLog("connects.refused", settings.refused_handshake_log)

    def count(self, error: KsmpError, host: str) -> bool:
        """Note a `connect` from this address that failed; whether its connection may not try again.

        Tokens that were good once do not count, because only the issuer can make more of them, and a whole school may
        come back with expired ones.
        """
        address = network_of(host)
        self._log.note(error.code, address)
        if not isinstance(error, Refused) or error.token_was_good:
            return False
        return self._buckets.take(address, self._rate, self._burst, time.monotonic()) > 0.0
