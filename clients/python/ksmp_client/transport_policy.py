"""Decides whether the next connection is a WebSocket or an event stream. No IO.

                  refused twice in a row
    WebSocket ──────────────────────────────► event stream
        ▲                                      │        │
        ├── upgraded, when it was due to try ──┘        │
        └── unreachable: HTTP does not pass either ─────┘

A refusal is an upgrade that something between client and gateway prevented. One may be chance, so it takes
two in a row to change to the event stream. A gateway that is down does not count as a refusal. While an
event stream is open, the client tries a WebSocket again after a wait that grows with each refusal. When the
event stream cannot be opened either, the gateway itself may be away. The client then tries both in turn.
"""

from __future__ import annotations

from typing import Final

from ksmp_client.backoff import Backoff
from ksmp_client.link import Transport

REFUSALS: Final = 2
# The wait until the next try grows up to this many times the first one.
LONGEST_WAIT: Final = 20


class TransportPolicy:
    """All times are seconds of the same clock. `retry` is the longest that the first wait may be."""

    def __init__(self, retry: float) -> None:
        self._backoff = Backoff(retry, retry * LONGEST_WAIT)
        self._refusals = 0
        self._due = 0.0

    @property
    def transport(self) -> Transport:
        """The transport to try next."""
        return "sse" if self._refusals >= REFUSALS else "websocket"

    def refused(self, now: float) -> None:
        """Something on the way prevented a WebSocket, or cut it before the first message."""
        self._refusals += 1
        if self._refusals >= REFUSALS:
            self._due = now + self._backoff.next()

    def upgraded(self) -> None:
        """The gateway has answered over a WebSocket."""
        self._refusals = 0
        self._backoff.reset()

    def unreachable(self) -> None:
        """An event stream could not be opened either."""
        self._refusals = min(self._refusals, REFUSALS - 1)

    def due_in(self, now: float) -> float:
        """Seconds until the next try for a WebSocket, while an event stream is open."""
        return max(0.0, self._due - now)
