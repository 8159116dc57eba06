"""When a client event happened, by the clock of the platform.

A client keeps the time of an event from when it happened, by its own clock, and sends its clock with each attempt. So
only the difference between the two clocks at this attempt corrects the event's time. How long the event waited on the
device, and how often it was sent, changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gateway import clock

# Below it the difference is the way through the network, and no clock that is wrong.
LEAST_SKEW: Final = timedelta(seconds=5)
# How far the time of an id may be from now. Events wait on devices, and a clock that is further ahead than a day opens
# no TLS connection.
OLDEST: Final = timedelta(days=7)
NEWEST: Final = timedelta(hours=24)


class Attempt:
    """One attempt to send events: when it was sent by the client's clock, and when it arrived by ours."""

    def __init__(self, sent_at: datetime, arrived_at: datetime) -> None:
        behind = arrived_at - sent_at
        self._skew = behind if abs(behind) >= LEAST_SKEW else timedelta(0)
        self._arrived_at = arrived_at
        self._oldest = arrived_at - OLDEST
        self._ids = range(clock.to_ms(self._oldest), clock.to_ms(arrived_at + NEWEST) + 1)

    def corrected(self, at: datetime) -> datetime | None:
        """When something happened that the client says happened `at`, never after it arrived.

        None for longer ago than `OLDEST`, and for a time that has no zone.
        """
        if at.tzinfo is None:
            return None
        try:
            happened = min(at + self._skew, self._arrived_at)
        except OverflowError:
            return None
        return happened if happened >= self._oldest else None

    def is_near(self, id: UUID) -> bool:
        """Whether an event of this id, a UUIDv7, can have been made when its id says. Events are stored by its time."""
        return id.int >> 80 in self._ids
