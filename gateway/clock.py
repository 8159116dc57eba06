"""The time of day: the one place where the gateway and its modules read it.

Call it as `clock.now()`. A deadline or an age is measured with `time.monotonic()` instead, because the time of day
can jump.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
# Among the extensions of a request: when all of it had been read. See gateway/http/arrival.py.
ARRIVED_AT: Final = "ksmp.arrived_at"


def now() -> datetime:
    """The time in UTC, with its zone."""
    return datetime.now(UTC)


def example_day() -> datetime:
    """A Monday, 12:30 in UTC, half a year from now: an example of a request that names it can be sent as it is."""
    day = (now() + timedelta(weeks=26)).replace(hour=12, minute=30, second=0, microsecond=0)
    return day + timedelta(days=-day.weekday() % 7)


def now_seconds() -> float:
    """Seconds since the Unix epoch, as tokens hold them."""
    return time.time()


def now_ms() -> int:
    """Milliseconds since the Unix epoch, as all messages of the protocol hold them."""
    return int(time.time() * 1000)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the Unix epoch; rounded down, and exact for what `from_ms` returned."""
    return (moment - EPOCH) // MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """A time in UTC from milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
