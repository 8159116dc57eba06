"""Quiet hours: a stretch of the day, by the clock of the user's zone, in which nothing wakes them.

They are an interval of each night, from one moment to another. A time that comes twice (in autumn) begins them the
first time and ends them the second time, so that a night has one stretch. A time that a zone skips (in spring) is the
moment that the clock before the change would have shown.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

DAY = timedelta(days=1)
# Why a delivery waits for their end.
QUIET_HOURS = "quiet_hours"


class QuietHours(msgspec.Struct, frozen=True):
    """From one wall time until another, which may be of the next day; the two are never the same."""

    start: time
    end: time

    def until(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet hours that `now` is in are over, in UTC; None when it is in none."""
        today = now.astimezone(zone).date()
        # The night before last counts where a zone skipped the day between.
        for first in (today - 2 * DAY, today - DAY, today):
            last = first + DAY if self.end < self.start else first
            if earliest(first, self.start, zone) <= now < (end := latest(last, self.end, zone)):
                return end
        return None


def earliest(day: date, at: time, zone: tzinfo) -> datetime:
    """The first moment of the day at which the clock shows this, in UTC."""
    return min(_moments(day, at, zone))


def latest(day: date, at: time, zone: tzinfo) -> datetime:
    """The last moment of the day at which the clock shows this, in UTC."""
    return max(_moments(day, at, zone))


def _moments(day: date, at: time, zone: tzinfo) -> list[datetime]:
    """One moment; two when the time comes twice. What the zone skips has the offset of before, so it is later."""
    moments = [datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    if moments[0] > moments[1]:
        # A skipped time: read with the offset of after, it would be before the change.
        return moments[:1]
    return moments
