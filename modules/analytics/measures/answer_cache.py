"""Answers that are used again for a moment, so that many who look at the same figures ask the database once."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, Final

from cachetools import TTLCache

# Answers that a process keeps.
MOST: Final = 500


class AnswerCache:
    """Uses an answer again for `fresh` seconds; it says itself of when it is. Who asks meanwhile waits for the same.

    A key names whose facts the answer is made of: it contains `Query.key`, or the key of the scope.
    """

    def __init__(self, fresh: float) -> None:
        self._known: TTLCache[str, Any] = TTLCache(MOST, fresh)
        self._asking: dict[str, asyncio.Task[Any]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer. Raises what `ask` raises, which is then asked again by the next caller."""
        if key in self._known:
            return self._known[key]
        task = self._asking.get(key)
        if task is None:
            # With an empty context, so that it joins no transaction of the caller.
            task = asyncio.get_running_loop().create_task(self._ask(key, ask), context=contextvars.Context())
            self._asking[key] = task
            # When nobody waits any longer, its exception is still retrieved, or asyncio would log it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _ask(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        try:
            answer = await ask()
        finally:
            del self._asking[key]
        self._known[key] = answer
        return answer
