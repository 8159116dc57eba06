"""Answers of the database that a message may go by, so that sending one does not wait for it each time."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from cachetools import LRUCache

from gateway.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Seconds that a message may wait for a database that is away or slow.
PATIENCE: Final = 0.5
MOST: Final = 10_000


class StaleCache(Generic[K, V]):
    """Uses an answer of `ask` again for `fresh` seconds. While the database does not answer, it uses the last one on.

    It keeps the 10,000 answers that were used last.
    """

    def __init__(self, ask: Callable[[K], Awaitable[V]], fresh: float) -> None:
        self._ask = ask
        self._fresh = fresh
        # Each with the time up to which it is used without asking.
        self._known: LRUCache[K, tuple[float, V]] = LRUCache(MOST)
        self._asking: dict[K, asyncio.Task[V]] = {}
        self._forgotten = 0

    async def get(self, key: K) -> V:
        """The answer, at most `fresh` seconds old unless the database is away.

        All who ask at the same time share one question. Raises Unavailable when there was never an answer.
        """
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        forgotten = self._forgotten
        task = self._asking.get(key)
        if task is None:
            # With an empty context, so that it joins no transaction: the caller's may end before the answer comes.
            task = self._asking[key] = asyncio.get_running_loop().create_task(
                self._ask_once(key), context=contextvars.Context()
            )
            # When nobody waits any longer, its exception is still retrieved, or asyncio would log it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.wait_for(asyncio.shield(task), PATIENCE)
        except (Unavailable, TimeoutError) as error:
            known = self._known.get(key)
            if known is None:
                raise Unavailable("the database is away") from error
            self._keep(key, known[1], forgotten)
            return known[1]

    def forget(self, key: K) -> None:
        """Ask anew the next time; the old answer still serves while the database is away.

        A question under way may have read what was before. It still answers those who wait for it.
        """
        self._forgotten += 1
        self._asking.pop(key, None)
        known = self._known.get(key)
        if known is not None:
            self._known[key] = (0.0, known[1])

    async def _ask_once(self, key: K) -> V:
        forgotten = self._forgotten
        try:
            value = await self._ask(key)
        finally:
            if self._asking.get(key) is asyncio.current_task():
                del self._asking[key]
        self._keep(key, value, forgotten)
        return value

    def _keep(self, key: K, value: V, forgotten: int) -> None:
        if forgotten == self._forgotten:
            self._known[key] = (time.monotonic() + self._fresh, value)
        elif key not in self._known:
            # It may be out of date, so it serves only while the database is away.
            self._known[key] = (0.0, value)
