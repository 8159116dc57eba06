"""A circuit breaker: what has failed several times in a row is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.errors import Unavailable


class CircuitBreaker:
    """Open after `failures` in a row, for `seconds`; then one call tries, and its outcome decides."""

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._opened = 0.0

    def check(self) -> None:
        """Raises Unavailable while calls are not to be made."""
        if self._failures < self._most:
            return
        left = self._opened + self._seconds - self._clock()
        if left > 0:
            raise Unavailable("the video service does not answer", retry_after=round(left, 3))
        # Whoever else comes before the outcome waits for as long again.
        self._opened = self._clock()

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._most:
            self._opened = self._clock()
