"""How long to wait before the next try: twice as long after each failure, up to a limit."""

from __future__ import annotations

from typing import Final

# Keeps the power below what a float can hold.
MOST_DOUBLINGS: Final = 60


def doubled(attempt: int, first: float, most: float) -> float:
    """Seconds to wait after the failure of this attempt, which counts from 1."""
    return min(most, first * 2.0 ** min(attempt - 1, MOST_DOUBLINGS))


class Backoff:
    """The pauses of a loop that tries again: from `first` to `most` seconds."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        # How long the next pause is, in seconds.
        self.pause = first

    def next(self) -> float:
        """Seconds to wait now; the next pause is twice as long."""
        pause, self.pause = self.pause, min(self._most, self.pause * 2)
        return pause

    def reset(self) -> None:
        """Begin again with the first pause, as after a success."""
        self.pause = self._first
