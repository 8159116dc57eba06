"""What the database said a moment ago, so that sending a message does not wait for it each time."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from gateway.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# How long a message may wait for a database that is away or slow.
PATIENCE: Final = 0.5
MOST: Final = 10_000


class StaleCache(Generic[K, V]):
    """Answers of `ask`, used again for `fresh` seconds, and while the database does not answer for as long as that."""

    def __init__(self, ask: Callable[[K], Awaitable[V]], fresh: float) -> None:
        self._ask = ask
        self._fresh = fresh
        # Each with the time up to which it is used without asking.
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """Raises Unavailable when it was never known."""
        until, value = self._known.get(key, (0.0, None))
        if until > time.monotonic():
            return value  # type: ignore[return-value]
        task = self._asking.get(key)
        if task is None:
            # In no transaction: the caller's may be over before the answer comes, which is not for the caller alone.
            task = self._asking[key] = asyncio.get_running_loop().create_task(
                self._ask_once(key), context=contextvars.Context()
            )
            # Who asked may have given up by then.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.wait_for(asyncio.shield(task), PATIENCE)
        except (Unavailable, TimeoutError) as error:
            if key not in self._known:
                raise Unavailable("the database is away") from error
            _, value = self._known[key]
            self._keep(key, value)
            return value

    def forget(self, key: K) -> None:
        """Ask anew the next time."""
        if key in self._known:
            self._known[key] = (0.0, self._known[key][1])

    async def _ask_once(self, key: K) -> V:
        try:
            value = await self._ask(key)
        finally:
            del self._asking[key]
        self._keep(key, value)
        return value

    def _keep(self, key: K, value: V) -> None:
        self._known[key] = (time.monotonic() + self._fresh, value)
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
