"""When work that was not turned in counts as missing. Pure."""

from __future__ import annotations

from datetime import datetime

from modules.assignments.dates.effective import EffectiveDates


def is_over(dates: EffectiveDates, now: datetime) -> bool:
    """Whether a student with these dates has missed what they have not turned in.

    They have when nothing is taken any more. Where it never closes, they have when it is due, until they turn it in.
    """
    last = dates.closes_at or dates.due_at
    return last is not None and now > last
