"""Limits that a user has, on this node, by whichever connections and requests they send their commands.

One limit is on all commands of a user, one on a single command in one room. Nobody gets around them by connecting
again, because the buckets are here and outlive connections. A connection has a limit of its own beside them
(`protocol/connection.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.contract.command import CommandSpec
from gateway.errors import Limited
from gateway.protocol.buckets import Buckets

# Buckets of each kind.
KEPT: Final = 100_000


class UserLimits:
    """Counts what each user has used up.

    `rate` and `burst` are those of all commands of one connection. A user has the same rate over all of them, and
    `factor` times the burst, because several tabs open at once.
    """

    def __init__(self, rate: float, burst: float, factor: float) -> None:
        self._rate = rate
        self._burst = burst
        self._user_burst = max(1.0, burst * factor)
        self._users: Buckets[str] = Buckets(KEPT)
        self._requests: Buckets[str] = Buckets(KEPT)
        self._commands: Buckets[tuple[str, str, str]] = Buckets(KEPT)

    def of_connection(self, user: str) -> Callable[[float], float]:
        """What counts each command of one of the user's connections: it is given the time, and gives the wait."""
        return partial(self._count_any, user)

    def count_request(self, user: str) -> None:
        """Count one command that came by POST, as if all came by one connection; raises Limited."""
        now = time.monotonic()
        wait = self._requests.take(user, self._rate, self._burst, now) or self._count_any(user, now)
        if wait > 0.0:
            raise Limited("too many commands", retry_after=round(wait, 3))

    def count(self, user: str, room: str, spec: CommandSpec) -> None:
        """Count one use of a command in a room, where it has a limit of its own; raises Limited."""
        if spec.rate is None:
            return
        rate = spec.rate.count / spec.rate.seconds
        wait = self._commands.take((user, room, spec.name), rate, spec.rate.count, time.monotonic())
        if wait > 0.0:
            raise Limited(f"too many {spec.name}", retry_after=round(wait, 3))

    def _count_any(self, user: str, now: float) -> float:
        return self._users.take(user, self._rate, self._user_burst, now)
