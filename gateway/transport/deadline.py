"""Deadlines of clients, which are judged after what has come was read.

A process that was stopped goes on with its timers first, while what clients sent in time lies in its sockets. So a
deadline that has passed is looked at again a moment later. When that moment comes late too, the process was stopped
again or is far behind, and the client gets another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

# How long what has come may wait to be read, in seconds.
READING: Final = 0.1


class Deadline:
    """Calls back once, after so many seconds, unless it is cancelled before."""

    __slots__ = ("_callback", "_due", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback: Callable[[], None] | None = callback
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = loop.call_later(seconds, self._look)

    def cancel(self) -> None:
        # Without the callback, nothing keeps the connection that it belongs to.
        self._callback = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._due = self._loop.time() + READING
        self._timer = self._loop.call_later(READING, self._judge)

    def _judge(self) -> None:
        # A timer that has fired keeps this object, so the two would be left to the collector.
        self._timer = None
        if is_late(self._loop, self._due):
            self._look()
        elif self._callback is not None:
            callback, self._callback = self._callback, None
            callback()


def is_late(loop: asyncio.AbstractEventLoop, due: float) -> bool:
    """Whether the process was held up for so long that more may have come than it has read."""
    return loop.time() - due > READING
