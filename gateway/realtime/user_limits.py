"""Limits that a user has, on this node, by whichever connections and requests they send their commands.

One limit is on all commands of a user, one on a single command in one room. Nobody gets around them by connecting
again, because the buckets are here and outlive connections. A connection has a limit of its own beside them
(`protocol/connection.py`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final, Generic, TypeVar

from gateway.contract.command import CommandSpec
from gateway.errors import Limited
from gateway.protocol.bucket import Bucket

K = TypeVar("K", bound=Hashable)

# Entries that are remembered of each kind.
KEPT: Final = 100_000


class Buckets(Generic[K]):
    """Buckets by key, at most so many. A full bucket is forgotten, because a new one is just as full."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        # The one that was not used for longest comes first.
        self._kept: OrderedDict[K, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: K, rate: float, burst: float, now: float) -> float:
        """Take one token. Returns 0.0 when there was one, otherwise the seconds until there is one."""
        bucket = self._kept.get(key)
        if bucket is None:
            self._forget(now)
            bucket = self._kept[key] = Bucket(rate, burst)
        else:
            self._kept.move_to_end(key)
        return bucket.take(now)

    def _forget(self, now: float) -> None:
        # Two for one that comes, so there are soon no more than are in use.
        for _ in range(2):
            key = next(iter(self._kept), None)
            if key is None:
                return
            bucket = self._kept[key]
            if len(self._kept) < self._most and bucket.level(now) < bucket.burst:
                return
            del self._kept[key]


class UserLimits:
    """Counts what each user has used up.

    `rate` and `burst` are those of all commands of one connection. A user has the same rate over all of them, and
    `factor` times the burst, because several tabs open at once.
    """

    def __init__(self, rate: float, burst: float, factor: float) -> None:
        self._rate = rate
        self._burst = burst
        self._user_burst = max(1.0, burst * factor)
        self._users: Buckets[str] = Buckets()
        self._requests: Buckets[str] = Buckets()
        self._commands: Buckets[tuple[str, str, str]] = Buckets()

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
