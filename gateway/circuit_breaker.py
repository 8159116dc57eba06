"""A circuit breaker: after several failures in a row no call of a service is made for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.errors import Unavailable


class CircuitBreaker:
    """It opens after `failures` in a row, for `seconds`. Then one call tries, and its outcome decides.

    `message` is what callers are told meanwhile.
    """

    def __init__(
        self, failures: int, seconds: float, message: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._seconds = seconds
        self._message = message
        self._clock = clock
        self._failures = 0
        self._opened = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last calls failed, and none has succeeded since."""
        return self._failures >= self._most

    def check(self) -> None:
        """Raises Unavailable while calls are not to be made."""
        if not self.is_open:
            return
        left = self._opened + self._seconds - self._clock()
        if left > 0:
            raise Unavailable(self._message, retry_after=round(left, 3))
        # Other calls that come before the outcome wait for as long again.
        self._opened = self._clock()

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.is_open:
            self._opened = self._clock()
