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


def skew(sent_at: datetime, arrived_at: datetime) -> timedelta:
    """How far the client's clock is behind the platform's, at this attempt; zero under `LEAST_SKEW`."""
    difference = arrived_at - sent_at
    return difference if abs(difference) >= LEAST_SKEW else timedelta(0)


def corrected(at: datetime, skewed: timedelta, arrived_at: datetime) -> datetime | None:
    """When it happened, never after it arrived; None for longer ago than `OLDEST`.

    `at` is by the client's clock, and `skewed` what that clock is behind. Raises OverflowError for a time of which
    there is no corrected one.
    """
    happened = min(at + skewed, arrived_at)
    return happened if arrived_at - happened <= OLDEST else None


def is_near(id: UUID, arrived_at: datetime) -> bool:
    """Whether the time in the id is one at which the event can have been made. The ids are the range of storing."""
    ms = id.int >> 80
    return clock.to_ms(arrived_at - OLDEST) <= ms <= clock.to_ms(arrived_at + NEWEST)
