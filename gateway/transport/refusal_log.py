"""One log line for many refusals: the first is logged at once, later ones together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)

# Addresses that one line counts, origins that it names, and the length of each.
ADDRESSES: Final = 1000
ORIGINS: Final = 5
ORIGIN: Final = 200


class RefusalLog:
    """Tells of refusals under the name of one event, `together` seconds of them in a line."""

    def __init__(self, event: str, together: float) -> None:
        self._event = event
        self._together = together
        self._reasons: Counter[str] = Counter()
        self._addresses: set[str] = set()
        self._origins: set[str] = set()
        self._due: asyncio.TimerHandle | None = None

    def note(self, reason: str, address: str, origins: Iterable[str] = ()) -> None:
        self._reasons[reason] += 1
        if len(self._addresses) < ADDRESSES:
            self._addresses.add(address)
        if len(self._origins) < ORIGINS:
            self._origins |= {origin[:ORIGIN] for origin in origins}
        if self._due is None:
            self._tell()

    def _tell(self) -> None:
        self._due = None
        if not self._reasons:
            return
        fields: dict[str, Any] = {"origins": sorted(self._origins)} if self._origins else {}
        log.info(
            self._event,
            count=self._reasons.total(),
            reasons=dict(self._reasons),
            addresses=len(self._addresses),
            **fields,
        )
        self._reasons, self._addresses, self._origins = Counter(), set(), set()
        self._due = asyncio.get_running_loop().call_later(self._together, self._tell)
