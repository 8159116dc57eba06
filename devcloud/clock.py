"""The clock, and time as AWS writes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second, as the services and EventBridge write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str) -> datetime:
    """Read a time that `stamp` wrote."""
    return datetime.fromisoformat(text)


class VirtualClock:
    """Seconds since 1970 that run like the real ones, and can be moved forward. `offset` is how far they were moved."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """The time to fractions of a second."""
        return time.time() + self.offset

    def seconds(self) -> int:
        """The time as Razorpay stamps it."""
        return int(self.now())

    def move_to(self, moment: float) -> None:
        """Move forward to a moment. A moment that has passed changes nothing."""
        self.offset = max(self.offset, moment - time.time())
