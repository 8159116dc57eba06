"""What the dates of an assignment bring about, and when: it opens, students are reminded, it closes. No IO.

An assignment has one timer, for the next of these moments. Most students have the same dates, so a class of a thousand
has few moments. When the timer fires, whatever lies between the last time and now is done, by the dates that hold then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from modules.assignments.dates.effective import EffectiveDates


def next_moment(dates: Iterable[EffectiveDates], leads: Collection[timedelta], after: datetime) -> datetime | None:
    """The first moment after `after` at which there is something to do; None when there is none."""
    moments = {moment for one in dates for moment in _moments(one, leads) if moment > after}
    return min(moments, default=None)


def reminded(dates: EffectiveDates, leads: Collection[timedelta], since: datetime, now: datetime) -> bool:
    """Whether somebody with these dates is reminded now, who was reminded of all that was before `since`."""
    due = dates.due_at
    return due is not None and now < due and any(since < due - lead <= now for lead in leads)


def opens(dates: EffectiveDates, since: datetime, now: datetime) -> bool:
    return dates.opens_at is not None and since < dates.opens_at <= now


def last_closing(dates: Iterable[EffectiveDates]) -> datetime | None:
    """When nothing is taken any more from anybody; None when that never is."""
    closings = [one.closes_at for one in dates]
    return None if None in closings else max((at for at in closings if at is not None), default=None)


def _moments(dates: EffectiveDates, leads: Collection[timedelta]) -> Iterable[datetime]:
    if dates.opens_at is not None:
        yield dates.opens_at
    if dates.due_at is not None:
        for lead in leads:
            yield dates.due_at - lead
    if dates.closes_at is not None:
        yield dates.closes_at
