"""Limits that a user has, on this node, by whichever connections and requests they send their commands.

The limit on all commands is one of each connection (`protocol/connection.py`). The limit of a single command counts all
connections and requests of a user in one room, so that nobody gets around it by connecting again.
"""

from __future__ import annotations

import time
from typing import Final

from cachetools import LRUCache

from gateway.contract.command import CommandSpec
from gateway.errors import Limited
from gateway.protocol.bucket import Bucket

# Entries that are remembered of each kind; the least recently used is forgotten.
KEPT: Final = 100_000


class UserLimits:
    """Counts what each user has used up. `rate` and `burst` are those of all commands of one connection."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._requests: LRUCache[str, Bucket] = LRUCache(KEPT)
        self._commands: LRUCache[tuple[str, str, str], Bucket] = LRUCache(KEPT)

    def count_request(self, user: str) -> None:
        """Count one command that came by POST, as if all came by one connection; raises Limited."""
        bucket = self._requests.get(user)
        if bucket is None:
            bucket = self._requests[user] = Bucket(self._rate, self._burst)
        wait = bucket.take(time.monotonic())
        if wait > 0.0:
            raise Limited("too many commands", retry_after=round(wait, 3))

    def count(self, user: str, room: str, spec: CommandSpec) -> None:
        """Count one use of a command in a room, where it has a limit of its own; raises Limited."""
        if spec.rate is None:
            return
        key = (user, room, spec.name)
        bucket = self._commands.get(key)
        if bucket is None:
            bucket = self._commands[key] = Bucket(spec.rate.count / spec.rate.seconds, spec.rate.count)
        wait = bucket.take(time.monotonic())
        if wait > 0.0:
            raise Limited(f"too many {spec.name}", retry_after=round(wait, 3))
