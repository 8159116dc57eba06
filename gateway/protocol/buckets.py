"""Token buckets by key, in bounded memory. The caller passes the time in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from gateway.protocol.bucket import Bucket

K = TypeVar("K", bound=Hashable)


class Buckets(Generic[K]):
    """Buckets by key, at most so many. A full bucket is forgotten, because a new one is just as full."""

    def __init__(self, most: int) -> None:
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
