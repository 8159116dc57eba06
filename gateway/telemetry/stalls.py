"""Tells what held the event loop: a call that blocks, or a computation that never awaits."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Final

import structlog

log = structlog.get_logger(__name__)

# A loop that is still held after this many seconds is told of, too: it may never be free again.
PATIENCE: Final = 10.0
# Whose calls are not the author's own.
LIBRARIES: Final = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


@contextlib.contextmanager
def logged(limit: float) -> Iterator[None]:
    """While it lasts, log each time that the running loop was held for longer than `limit` seconds; 0 logs nothing."""
    if not limit:
        yield
        return
    watch = StallWatch(asyncio.get_running_loop(), threading.get_ident(), limit)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


class StallWatch(threading.Thread):
    """Asks a loop for a sign of life, again and again, and looks at the stack of the loop's thread when none comes.

    Every hold of more than `limit` seconds is seen, and none of less than three quarters of it. The loop itself runs
    four empty callbacks in that time, and nothing more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: int, limit: float) -> None:
        super().__init__(name="stall-watch", daemon=True)
        self._loop = loop
        self._thread = thread
        self._pause = limit / 4
        self._limit = limit - self._pause
        self._stopped = threading.Event()
        # What stands above every callback: how the loop was started.
        self._base = self._frames()

    def stop(self) -> None:
        """End it soon; does not wait for that."""
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.wait(self._pause):
            free = threading.Event()
            asked = time.monotonic()
            try:
                self._loop.call_soon_threadsafe(free.set)
            except RuntimeError:
                # The loop is closed.
                return
            if free.wait(self._limit):
                continue
            stack = self._stack()
            ended = free.wait(PATIENCE)
            if stack and not self._stopped.is_set():
                seconds = round(time.monotonic() - asked, 3)
                text = "".join(traceback.format_list(stack)).rstrip()
                log.warning("loop.stalled", seconds=seconds, ended=ended, where=_where(stack), stack=text)
            while not free.wait(1.0):
                if self._stopped.is_set():
                    return

    def _stack(self) -> list[traceback.FrameSummary]:
        """The stack of the loop's thread from the callback on, outermost first."""
        frames = self._frames()
        above = itertools.takewhile(
            lambda pair: _place(pair[0]) == _place(pair[1]), zip(frames, self._base, strict=False)
        )
        return frames[len(list(above)) :] or frames

    def _frames(self) -> list[traceback.FrameSummary]:
        frame = sys._current_frames().get(self._thread)
        return list(traceback.extract_stack(frame)) if frame is not None else []


def _place(frame: traceback.FrameSummary) -> tuple[str, int | None, str]:
    return frame.filename, frame.lineno, frame.name


def _where(stack: list[traceback.FrameSummary]) -> str:
    """The innermost line that belongs to no library."""
    own = [frame for frame in stack if not frame.filename.startswith(LIBRARIES)]
    frame = (own or stack)[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"
