"""Tells programs from people: by what a browser calls itself, and by more events than a person can cause."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from gateway.protocol.bucket import Bucket

# Callers whose events of the last minute are known; the least recently seen one is forgotten first.
CALLERS: Final = 50_000
MINUTE: Final = 60.0
# A maker of phones, whose browsers say so.
NO_BOT: Final = "cubot"


class Bots:
    """Counts in this process alone, so the limit of a caller holds at each gateway."""

    def __init__(self, words: Sequence[str], events_per_minute: int) -> None:
        """`words` are parts of a User-Agent that only programs have, in any case."""
        self._names = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None
        self._most = events_per_minute
        self._buckets: LRUCache[str, Bucket] = LRUCache(CALLERS)

    def named(self, user_agent: str) -> bool:
        """Whether the caller says that it is a program."""
        if self._names is None:
            return False
        return self._names.search(re.sub(NO_BOT, "", user_agent, flags=re.IGNORECASE)) is not None

    def count(self, caller: str, events: int) -> int:
        """How many of so many events of this caller, now, may be a person's."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(self._most / MINUTE, self._most)
        now = time.monotonic()
        taken = min(events, int(bucket.level(now)))
        bucket.spend(now, taken)
        return taken

    def give_back(self, caller: str, events: int) -> None:
        """These could not be kept, and will come again: they are not counted twice."""
        if (bucket := self._buckets.get(caller)) is not None:
            bucket.spend(time.monotonic(), -events)
