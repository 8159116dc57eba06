"""Whether the next connection is a WebSocket or an event stream, without IO.

                  refused twice in a row
    WebSocket ──────────────────────────────► event stream
        ▲                                      │        │
        ├── upgraded, when it was due to try ──┘        │
        └── unreachable: HTTP does not pass either ─────┘

One refusal may be chance, and a gateway that is away refuses nothing: only two of a network that lets no
WebSocket pass lead to the event stream. From there a WebSocket is tried again after a wait that grows
with each refusal. When even the event stream cannot be opened, the refusals may have been the gateway's
absence; then the two are tried in turn, and the first that opens it is.
"""

from __future__ import annotations

from typing import Final

from ksmp_client.backoff import Backoff
from ksmp_client.link import Transport

REFUSALS: Final = 2
# The wait until the next try grows to so many times the first one.
PATIENCE: Final = 20


class TransportPolicy:
    """All times are of one clock, in seconds. `retry` is the ceiling of the first wait."""

    def __init__(self, retry: float) -> None:
        self._backoff = Backoff(retry, retry * PATIENCE)
        self._refusals = 0
        self._due = 0.0

    @property
    def transport(self) -> Transport:
        return "sse" if self._refusals >= REFUSALS else "websocket"

    def refused(self, now: float) -> None:
        """A WebSocket was kept from opening, or cut before anything came over it."""
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
        """Seconds until a WebSocket is to be tried again while an event stream is open."""
        return max(0.0, self._due - now)
