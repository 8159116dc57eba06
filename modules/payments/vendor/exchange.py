"""One request to Razorpay and its answer: whether it may have been sent, and how it is given up.

A thread carries it out, and the event loop waits for it. The two agree under a lock, so that one of these is true: the
request was given up before a byte of it left and is never sent, or it may have reached Razorpay.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection

T = TypeVar("T")


class GivenUp(Exception):
    """Nobody waits for the answer any more; the request was not sent."""


class Connection(Protocol):
    sock: Any


class Exchange:
    """Made by who waits, for `seconds` from then on; used in one thread."""

    def __init__(self, seconds: float, connect_seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._given_up = False
        self._connection: Connection | None = None
        self.started = False
        self.sent = False

    def run(self, call: Callable[[], T]) -> T:
        """Carry out the call in this thread; its connections ask this exchange. Raises GivenUp."""
        with self._lock:
            if self._given_up:
                raise GivenUp
            self.started = True
        with _in_this_thread(self):
            return call()

    def timeouts(self) -> tuple[float, float]:
        """For a connection and for a silence, in seconds; neither is longer than the time that is left."""
        left = max(self._until - time.monotonic(), 0.001)
        return min(self._connect_seconds, left), left

    def left(self) -> float:
        return self._until - time.monotonic()

    def connecting(self, connection: Connection) -> None:
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._connection = connection

    def sending(self, connection: Connection) -> None:
        """From here on Razorpay may have it."""
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._connection = connection
            self.sent = True

    def answered(self) -> None:
        """The whole answer is here: its connection goes back to the others, and is not ours to end."""
        with self._lock:
            self._connection = None

    def give_up(self) -> None:
        """Nobody waits any more. What was not sent is not sent, and the thread does not go on waiting either."""
        with self._lock:
            self._given_up = True
            connection = self._connection
            sock = None if connection is None else connection.sock
            if sock is not None:
                # The socket's own method: that of TLS would change an object that the thread reads.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Local(threading.local):
    exchange: Exchange | None = None


_local = _Local()


def current() -> Exchange:
    """That of this thread. Raises LookupError outside of one."""
    if _local.exchange is None:
        raise LookupError("Razorpay is called outside of an exchange")
    return _local.exchange


@contextlib.contextmanager
def _in_this_thread(exchange: Exchange) -> Iterator[None]:
    _local.exchange = exchange
    try:
        yield
    finally:
        _local.exchange = None


class WatchedHTTPConnection(HTTPConnection):
    """Reports to the exchange of its thread before it connects, and before it sends."""

    def connect(self) -> None:
        current().connecting(self)
        super().connect()

    def request(self, *args: Any, **options: Any) -> None:
        # Otherwise it would connect in the middle of the request.
        if self.sock is None:
            self.connect()
        current().sending(self)
        super().request(*args, **options)


class WatchedHTTPSConnection(WatchedHTTPConnection, HTTPSConnection):
    """The same by TLS."""
