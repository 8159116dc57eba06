"""Which dates hold for one student, and by which rule. Every gate, timer, list, push and export asks this function."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from modules.assignments.dates.late_policy import LateKind, LatePolicy
from modules.assignments.dates.wall_time import WallTime


class Rule(StrEnum):
    ASSIGNMENT = "assignment"
    ACCOMMODATION = "accommodation"
    """Days that the student has more in every assignment of the program."""
    EXTENSION = "extension"
    """A date of the student's own for this assignment."""
    GROUP = "group"
    """The dates of another member of the group, which hold for all of it."""


class Dates(msgspec.Struct, frozen=True):
    """Null: it opens when it is published, is never due, never closes."""

    opens: WallTime | None = None
    due: WallTime | None = None
    closes: WallTime | None = None


class Grant(msgspec.Struct, frozen=True):
    """What one student was granted: an extension's dates, and an accommodation's days. Null and 0 are nothing."""

    user_id: str
    due: WallTime | None = None
    closes: WallTime | None = None
    extra_days: int = 0


class EffectiveDates(msgspec.Struct, frozen=True):
    """The dates that hold for a student, with the rule that gave them. Moments are null where there is no date."""

    opens: WallTime | None
    due: WallTime | None
    closes: WallTime | None
    rule: Rule

    @property
    def opens_at(self) -> datetime | None:
        return None if self.opens is None else self.opens.moment()

    @property
    def due_at(self) -> datetime | None:
        return None if self.due is None else self.due.moment()

    @property
    def closes_at(self) -> datetime | None:
        return None if self.closes is None else self.closes.moment()


def effective_dates(dates: Dates, late: LatePolicy, own: Grant | None, group: Iterable[Grant] = ()) -> EffectiveDates:
    """The dates of a student with this grant, who works with these others.

    Each grant gives dates of its own; the student has those that are due last, and on a tie those of the rule that is
    first in `Rule`. So nothing that was granted takes away. A date that nobody granted stays the assignment's.
    """
    candidates = [EffectiveDates(dates.opens, dates.due, _closing(dates.due, dates.closes, late), Rule.ASSIGNMENT)]
    if own is not None:
        candidates += _granted(dates, late, own)
    for grant in group:
        candidates += [msgspec.structs.replace(one, rule=Rule.GROUP) for one in _granted(dates, late, grant)]
    # `max` keeps the first of equals.
    return max(candidates, key=lambda one: (_or_never(one.due_at), _or_never(one.closes_at)))


def _granted(dates: Dates, late: LatePolicy, grant: Grant) -> Iterable[EffectiveDates]:
    if grant.extra_days:
        due = None if dates.due is None else dates.due.after(grant.extra_days)
        closes = None if dates.closes is None else dates.closes.after(grant.extra_days)
        yield EffectiveDates(dates.opens, due, _closing(due, closes, late), Rule.ACCOMMODATION)
    if grant.due is not None or grant.closes is not None:
        due = grant.due or dates.due
        closes = grant.closes or dates.closes
        # An extension beyond the closing moves it.
        if due is not None and closes is not None and closes.moment() < due.moment():
            closes = due
        yield EffectiveDates(dates.opens, due, _closing(due, closes, late), Rule.EXTENSION)


def _closing(due: WallTime | None, closes: WallTime | None, late: LatePolicy) -> WallTime | None:
    """Where no late work is taken, it closes when it is due."""
    return due if late.kind is LateKind.NONE and due is not None else closes


def _or_never(at: datetime | None) -> tuple[bool, datetime | None]:
    # No date is later than any date. The second part is compared only between dates.
    return (at is None, at) if at is not None else (True, None)
