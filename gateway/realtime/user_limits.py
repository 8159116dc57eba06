"""Limits that a user has, on this node, by whichever connections and requests they send their commands.

A connection has a limit on all its commands (`protocol/connection.py`). When a user leaves with half of it used up, or
more, that is taken off their next connection, so that nobody gets around it by connecting again. The limit of a single
command counts all connections and requests of a user in one room.
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
        # What is missing from the buckets of connections that have ended.
        self._ended: LRUCache[str, Bucket] = LRUCache(KEPT)
        self._commands: LRUCache[tuple[str, str, str], Bucket] = LRUCache(KEPT)

    def count_request(self, user: str) -> None:
        """Count one command that came by POST, as if all came by one connection; raises Limited."""
        wait = self._bucket(self._requests, user).take(time.monotonic())
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

    def begin(self, user: str, commands: Bucket) -> None:
        """A connection of the user begins, with this bucket of all its commands."""
        ended = self._ended.pop(user, None)
        if ended is not None:
            now = time.monotonic()
            commands.spend(now, ended.burst - ended.level(now))

    def end(self, user: str, commands: Bucket) -> None:
        """A connection of the user has ended."""
        now = time.monotonic()
        missing = commands.burst - commands.level(now)
        # Less is what a client needs that connects again and joins its rooms.
        if missing >= commands.burst / 2:
            self._bucket(self._ended, user).spend(now, missing)

    def _bucket(self, kept: LRUCache[str, Bucket], user: str) -> Bucket:
        bucket = kept.get(user)
        if bucket is None:
            bucket = kept[user] = Bucket(self._rate, self._burst)
        return bucket
