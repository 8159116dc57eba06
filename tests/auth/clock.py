"""A clock for tests."""

from __future__ import annotations


class Clock:
    """A time in seconds that moves when it is told to."""

    def __init__(self, time: float) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time
