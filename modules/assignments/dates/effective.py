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
    """What one student was granted: an extension's dates, an accommodation's days, attempts of both.

    Null and 0 are nothing.
    """

    user_id: str
    due: WallTime | None = None
    closes: WallTime | None = None
    extra_days: int = 0
    extra_attempts: int = 0


class EffectiveDates(msgspec.Struct, frozen=True):
    """The dates that hold for a student. Moments are null where there is no date.

    `rule` gave the due date, and `closes_rule` the closing.
    """

    opens: WallTime | None
    due: WallTime | None
    closes: WallTime | None
    rule: Rule
    closes_rule: Rule = Rule.ASSIGNMENT

    @property
    def opens_at(self) -> datetime | None:
        return None if self.opens is None else self.opens.moment()

    @property
    def due_at(self) -> datetime | None:
        return None if self.due is None else self.due.moment()

    @property
    def closes_at(self) -> datetime | None:
        return None if self.closes is None else self.closes.moment()

    def opened(self, at: datetime) -> bool:
        """Whether work may be begun at this moment; the opening moment itself belongs to it."""
        return self.opens_at is None or at >= self.opens_at

    def closed(self, at: datetime) -> bool:
        """Whether nothing is taken any more at this moment; at the closing moment itself it still is."""
        return self.closes_at is not None and at > self.closes_at


class _Candidate(msgspec.Struct, frozen=True):
    rule: Rule
    due: WallTime | None
    closes: WallTime | None


def effective_dates(dates: Dates, late: LatePolicy, own: Grant | None, group: Iterable[Grant] = ()) -> EffectiveDates:
    """The dates of a student with this grant, who works with these others.

    The assignment and each grant give dates of their own. The student is due at the last of those, and it closes at the
    last of those; on a tie the rule that is first in `Rule` is named. So nothing that was granted takes away, and
    several grants do not add up.
    """
    candidates = [_Candidate(Rule.ASSIGNMENT, dates.due, _closing(dates.due, dates.closes, late))]
    if own is not None:
        candidates += _granted(dates, late, own)
    for grant in group:
        candidates += [msgspec.structs.replace(one, rule=Rule.GROUP) for one in _granted(dates, late, grant)]
    # `max` keeps the first of equals.
    due = max(candidates, key=lambda one: _or_never(one.due))
    closes = max(candidates, key=lambda one: _or_never(one.closes))
    return EffectiveDates(dates.opens, due.due, closes.closes, due.rule, closes.rule)


def allowed_attempts(attempts: int | None, own: Grant | None, group: Iterable[Grant] = ()) -> int | None:
    """How many attempts a student has, who works with these others; null is as many as one likes.

    A group has what the member with the most has.
    """
    if attempts is None:
        return None
    return attempts + max((grant.extra_attempts for grant in (own, *group) if grant is not None), default=0)


def _granted(dates: Dates, late: LatePolicy, grant: Grant) -> Iterable[_Candidate]:
    if grant.extra_days:
        due = None if dates.due is None else dates.due.after(grant.extra_days)
        closes = None if dates.closes is None else dates.closes.after(grant.extra_days)
        yield _Candidate(Rule.ACCOMMODATION, due, _closing(due, closes, late))
    if grant.due is not None or grant.closes is not None:
        due = grant.due or dates.due
        closes = grant.closes or dates.closes
        # An extension beyond the closing moves it.
        if due is not None and closes is not None and closes.moment() < due.moment():
            closes = due
        yield _Candidate(Rule.EXTENSION, due, _closing(due, closes, late))


def _closing(due: WallTime | None, closes: WallTime | None, late: LatePolicy) -> WallTime | None:
    """Where no late work is taken, it closes when it is due."""
    return due if late.kind is LateKind.NONE and due is not None else closes


def _or_never(date: WallTime | None) -> tuple[bool, datetime | None]:
    # No date is later than any date. The second part is compared only between dates.
    return (True, None) if date is None else (False, date.moment())
