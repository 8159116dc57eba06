"""What lateness costs.

Days late are whole days of the calendar in the due date's zone: one day late from the due moment on, two from the same
time of the next day. A percentage is of the points that the work would have had. The floor is a share of those points
that lateness cannot take. Nothing is rounded here: a score is rounded once, at its end.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from modules.assignments.dates.wall_time import WallTime

WHOLE: Final = Decimal(100)


class LateKind(StrEnum):
    NONE = "none"
    """Nothing is taken after it is due."""
    ACCEPT = "accept"
    """Late work is taken, marked late, and costs nothing."""
    PERCENT = "percent"
    """Each day late costs a percentage."""


class LatePolicy(msgspec.Struct, frozen=True):
    kind: LateKind = LateKind.ACCEPT
    # Of each day late, and what is left at the least; in percent, with up to two decimals.
    percent: Decimal = Decimal(0)
    floor: Decimal = Decimal(0)

    def kept(self, days: int) -> Decimal:
        """The share of the points that is left after so many days, from 0 to 1."""
        if self.kind is not LateKind.PERCENT:
            return Decimal(1)
        return max(WHOLE - self.percent * days, self.floor, Decimal(0)) / WHOLE


def days_late(at: datetime, due: WallTime | None) -> int:
    """How many days late this moment is; 0 when it is in time. The due moment itself is in time."""
    if due is None or at <= due.moment():
        return 0
    # A day of the calendar has at most 25 hours and at least 23, so this is at most one or two short.
    days = max((at - due.moment()).days - 1, 0)
    while at > due.after(days).moment():
        days += 1
    return days
