"""Lines for a terminal, a pipe or a file: writing one never waits and never fails, whoever reads or does not."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from collections import deque
from typing import Final, TextIO

# What a pipe that is ready takes without a wait.
PIECE: Final = select.PIPE_BUF
# Bytes that wait for a slow reader; lines beyond them are lost.
LIMIT: Final = 1024 * 1024


class Output:
    """Writes whole lines to a file descriptor, from any thread.

    A line that the reader has no room for waits in memory, and a thread writes it. A line is lost, and counted, when
    too many wait, or when nobody is left to read.
    """

    def __init__(self, descriptor: int, *, limit: int = LIMIT) -> None:
        self._descriptor = descriptor
        self._limit = limit
        # Guards everything below. It is never held while a write may wait.
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._thread: threading.Thread | None = None
        self._lost = 0
        self._working = True
        self._plain = _is_file(descriptor)

    def write(self, line: str) -> None:
        """Write the line, which needs no end of line, or keep it until there is room."""
        data = line.encode(errors="backslashreplace") + b"\n"
        with self._changed:
            if self._thread is None:
                data = self._write_now(data)
            if not data:
                return
            if self._size + len(data) > self._limit:
                self._lost += 1
                return
            self._waiting.append(data)
            self._size += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_waiting, name="output", daemon=True)
                self._thread.start()

    def take_lost(self) -> int:
        """How many lines were lost since the last call; 0 as long as writing does not work again."""
        if not self._lost:
            return 0
        with self._changed:
            if self._thread is not None or not self._working:
                return 0
            lost, self._lost = self._lost, 0
            return lost

    def flush(self, timeout: float) -> None:
        """Wait until everything is written, for at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._thread is None, timeout)

    def _write_now(self, data: bytes) -> bytes:
        """Write as much as needs no wait; returns the rest. What cannot be written at all is lost."""
        try:
            while data and (self._plain or _has_room(self._descriptor)):
                data = data[os.write(self._descriptor, data if self._plain else data[:PIECE]) :]
        except BlockingIOError:
            return data
        except OSError:
            self._working = False
            self._lost += 1
            return b""
        self._working = True
        return data

    def _write_waiting(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._thread = None
                    self._changed.notify_all()
                    return
                data = self._waiting.popleft()
                self._size -= len(data)
            works = _write(self._descriptor, data)
            with self._changed:
                self._working = works
                self._lost += not works


def descriptor_of(stream: TextIO | None, default: int) -> int:
    """The file descriptor of a standard stream; `default` where something without one stands in its place."""
    try:
        return stream.fileno() if stream is not None else default
    except OSError:
        return default


def open_standard_streams() -> None:
    """Open what the parent closed of standard input, output and error, so that no socket gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _write(descriptor: int, data: bytes) -> bool:
    """Write all of it, however long that takes; False when nobody reads any more."""
    try:
        while data:
            try:
                data = data[os.write(descriptor, data[:PIECE]) :]
            except BlockingIOError:
                _poll(descriptor, None)
    except OSError:
        return False
    return True


def _has_room(descriptor: int) -> bool:
    return bool(_poll(descriptor, 0))


def _poll(descriptor: int, timeout: float | None) -> list[tuple[int, int]]:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll.poll(timeout)


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False
