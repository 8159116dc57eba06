"""Single flight: callers who ask the same question at about the same time share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one call at a time. Callers who come while it runs share the next one.

    So every caller gets the result of a call that began after it asked, and a crowd costs two calls.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._current: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """The result; what the call raises is raised to every caller who shares it."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._run(self._current))
        # A caller that is cancelled does not cancel the call of the others.
        return await asyncio.shield(self._next)

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._current, self._next = self._next, None
        return await self._ask()
