"""Windows: the stretches of time of which a digest tells, one after the other without a gap.

A window of a day or more ends at an hour of the user's zone, and one of whole weeks on a Monday. A shorter one ends at
a multiple of its length. The end of a delivery's window is written into its row, and nobody compares hours later: a
digest is neither missed nor told twice where the clocks are changed, or while nothing runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from gateway.clock import EPOCH
from modules.notify.preferences.quiet_hours import latest

DAY: Final = timedelta(days=1)


def window_end(now: datetime, length: timedelta, zone: tzinfo, hour: int) -> datetime:
    """The end of the window that `now` is in: the first one after it, in UTC."""
    if length < DAY:
        return EPOCH + ((now - EPOCH) // length + 1) * length
    days = length // DAY
    day = now.astimezone(zone).date()
    while True:
        # Day 1 of the calendar was a Monday.
        if (day.toordinal() - 1) % days == 0 and (end := latest(day, time(hour), zone)) > now:
            return end.astimezone(UTC)
        day += DAY
