"""What a change makes of an assignment, and what may not change any more. No IO."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.errors import invalid
from modules.assignments import errors
from modules.assignments.catalogue.date_messages import NewDate, resolved
from modules.assignments.catalogue.handed_in import Progress
from modules.assignments.catalogue.messages import AssignmentChange, Late
from modules.assignments.dates.late_policy import LatePolicy
from modules.assignments.records import Assignment, Release

# What a student reckoned with who has turned in.
ONCE_TURNED_IN = ("group_set_id", "anonymous")
# What the points and the lateness of a grade were given by.
ONCE_GRADED = ("points", "late")

# What the totals of a grade book depend on.
IN_TOTALS = ("points", "late", "due", "category_id", "extra_credit")


def dates_in(change: AssignmentChange) -> Iterable[tuple[str, NewDate | None]]:
    """The dates that a change sets, by their fields."""
    for field in ("opens", "due", "closes", "release_at"):
        if (value := getattr(change, field)) is not UNSET:
            yield field, value


def changed(before: Assignment, change: AssignmentChange) -> Assignment:
    """The assignment with the change; its revision is not raised. Raises BadInput `invalid` for a bad date."""
    values: dict[str, Any] = {}
    for field, value in msgspec.structs.asdict(change).items():
        if value is UNSET or field == "files":
            continue
        match value:
            case NewDate():
                values[field] = resolved(value, field)
            case Late():
                values[field] = policy_of(value)
            case list():
                values[field] = tuple(value)
            case _:
                values[field] = value
    if "release_at" in values:
        values["release_date"] = values.pop("release_at")
    return msgspec.structs.replace(before, **values)


def policy_of(late: Late) -> LatePolicy:
    return LatePolicy(late.kind, late.percent, late.floor)


def check_terms(assignment: Assignment) -> None:
    """Raises BadInput `invalid` for terms that do not fit together."""
    last = None
    for field, date in (("opens", assignment.opens), ("due", assignment.due), ("closes", assignment.closes)):
        if date is not None:
            if last is not None and date.moment() < last:
                raise invalid("it opens first, is due then, and closes last", field=field)
            last = date.moment()
    if (assignment.release is Release.AT_TIME) != (assignment.release_date is not None):
        raise invalid("a release at a time needs the time, and no other has one", field="release_at")
    if len({*assignment.accepts}) < len(assignment.accepts):
        raise invalid("a kind of work stands here twice", field="accepts")


def check_unaltered(before: Assignment, after: Assignment, progress: Progress) -> None:
    """Check that a change alters nothing that somebody relied on when they turned in, or that was graded.

    Raises Conflict `assignments.turned_in` and `assignments.graded`. The release may change: what students see already
    stays seen.
    """
    if progress.answered:
        for field in ONCE_TURNED_IN:
            if getattr(before, field) != getattr(after, field):
                raise errors.turned_in(field)
        if missing := {*before.accepts} - {*after.accepts}:
            raise errors.turned_in(f"accepts ({min(missing)})")
        if _earlier(before, after):
            raise errors.turned_in("due, which may only become later")
    if progress.graded:
        for field in ONCE_GRADED:
            if getattr(before, field) != getattr(after, field):
                raise errors.graded(field)


def alters_totals(before: Assignment, after: Assignment) -> bool:
    return any(getattr(before, field) != getattr(after, field) for field in IN_TOTALS)


def _earlier(before: Assignment, after: Assignment) -> bool:
    """Whether what was in time would be late."""
    if after.due is None:
        return False
    return before.due is None or after.due.moment() < before.due.moment()
