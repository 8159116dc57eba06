"""Limits on the commands that users send by POST, as those of one connection each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from cachetools import LRUCache

from gateway.errors import Limited
from gateway.principal import Principal
from gateway.protocol.bucket import Bucket
from gateway.protocol.names import RoomName

# Users, and users in rooms, whose limits are remembered; the least recently used is forgotten.
KEPT: Final = 10_000

K = TypeVar("K")
V = TypeVar("V")


class RequestLimits:
    """Counts what each user has used up on this node: of all commands, and of each command in each room."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._all: LRUCache[str, Bucket] = LRUCache(KEPT)
        self._in_rooms: LRUCache[tuple[str, str], dict[str, Bucket]] = LRUCache(KEPT)

    def spend(self, principal: Principal) -> None:
        """Count one command; raises Limited."""
        bucket = _get(self._all, principal.id, lambda: Bucket(self._rate, self._burst))
        wait = bucket.take(time.monotonic())
        if wait > 0.0:
            raise Limited("too many commands", retry_after=round(wait, 3))

    def in_room(self, principal: Principal, room: RoomName) -> dict[str, Bucket]:
        """The limits of single commands that the user has used up in a room, by command."""
        return _get(self._in_rooms, (principal.id, str(room)), dict)


def _get(kept: LRUCache[K, V], key: K, make: Callable[[], V]) -> V:
    """The value of a key, made when it is new."""
    value = kept.get(key)
    if value is None:
        value = kept[key] = make()
    return value
