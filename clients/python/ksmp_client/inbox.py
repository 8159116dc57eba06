"""A queue of events for one reader. Putting never waits; the writer sees when the reader does not keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(AsyncIterator[T], Generic[T]):
    """Read with `async for` or `anext`; cancelling a read loses nothing.

    Two readers at the same time share the items. The inbox does not enforce `limit`: when it is `full`, the writer
    puts only what must not be lost. `drained` is called whenever the last item was read.
    """

    def __init__(self, limit: int, drained: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._drained = drained
        self._items: deque[T] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        return len(self._items) >= self._limit

    def put(self, item: T) -> None:
        if not self._ended:
            self._items.append(item)
            self._changed.set()

    def drop_oldest(self) -> None:
        self._items.popleft()

    def end(self, error: Exception | None = None) -> None:
        """Readers get what is in the inbox, then `error`, or an end without an error. Only the first call counts."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._changed.set()

    def __aiter__(self) -> Inbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._ended:
                raise StopAsyncIteration if self._error is None else self._error
            self._changed.clear()
            await self._changed.wait()
        item = self._items.popleft()
        if not self._items:
            self._drained()
        return item
