"""A moment as people set it: what the clock shows, and a time zone. It is resolved once, when it is written.

A wall time that a zone skips (in spring) is the moment that the clock before the change would have shown. One that
comes twice (in autumn) is the later moment, which is the kinder deadline. Days are counted on the calendar: a day after
23:59 is 23:59, although that may be 23 or 25 hours later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec


class WallTime(msgspec.Struct, frozen=True):
    """`at` has no zone of its own: it is what the clock shows in `zone` (IANA).

    `resolved` is the moment that was stored with it. So a later edition of the time zone database moves no deadline.
    """

    at: datetime
    zone: str
    resolved: datetime | None = None

    def moment(self) -> datetime:
        """In UTC."""
        if self.resolved is not None:
            return self.resolved
        zone = zone_of(self.zone)
        first, second = (self.at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        # What a zone skips has a later moment by the offset of before, what comes twice by that of after.
        return max(first.astimezone(UTC), second.astimezone(UTC))

    def after(self, days: int) -> WallTime:
        """The same time of day, so many days of the calendar later."""
        return WallTime(self.at + timedelta(days=days), self.zone)


@cache
def zone_of(name: str) -> ZoneInfo:
    """The zone of this name, which is one of `gateway.time_zones`. Python itself keeps only the last eight.

    The first call for a zone reads a file; `load_zones` does that for all.
    """
    return ZoneInfo(name)


def load_zones(names: Iterable[str]) -> None:
    """Read these zones, so that no date waits for a file; all there are take about 0.3 s: call it in a thread."""
    for name in names:
        zone_of(name)
