"""What assignments tells other modules."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec


class AssignmentPublished(msgspec.Struct, frozen=True, tag="assignments.AssignmentPublished"):
    """Students may see the assignment. `due_at` is RFC 3339 in UTC; empty when it is never due."""

    assignment_id: str
    program_id: str
    title: str
    points: str
    due_at: str = ""
    at: datetime | None = None


class AssignmentWithdrawn(msgspec.Struct, frozen=True, tag="assignments.AssignmentWithdrawn"):
    """A published assignment is a draft again; nothing of it was turned in."""

    assignment_id: str
    program_id: str


class AssignmentClosed(msgspec.Struct, frozen=True, tag="assignments.AssignmentClosed"):
    """Nothing is taken any more, from anybody; published again when a date is moved and passes."""

    assignment_id: str
    program_id: str


class DueSoon(msgspec.Struct, frozen=True, tag="assignments.DueSoon"):
    """A student has not turned in what is due soon, by the dates that hold for them."""

    assignment_id: str
    program_id: str
    user_id: str
    due_at: str


class SubmissionTurnedIn(msgspec.Struct, frozen=True, tag="assignments.SubmissionTurnedIn"):
    """An attempt was turned in; `user_ids` are those whose work it is. Lateness is of now: an extension may heal it."""

    assignment_id: str
    program_id: str
    submission_id: str
    attempt_id: str
    number: int
    user_ids: tuple[str, ...]
    turned_in_at: str
    days_late: int = 0


class SubmissionReclaimed(msgspec.Struct, frozen=True, tag="assignments.SubmissionReclaimed"):
    """An attempt was taken back before grading had begun. `user_ids` are those whose work it is now."""

    assignment_id: str
    program_id: str
    submission_id: str
    attempt_id: str
    user_ids: tuple[str, ...]


class GradeReleased(msgspec.Struct, frozen=True, tag="assignments.GradeReleased"):
    """Students see a grade. `score` is after lateness, of `points`; both are decimals as texts.

    `counted_at` is when the attempt counts as turned in, `at` when the grade was released. `first` says that it is the
    first grade that was released of the submission.
    """

    assignment_id: str
    program_id: str
    submission_id: str
    attempt_id: str
    user_ids: tuple[str, ...]
    score: str
    points: str
    counted_at: datetime | None = None
    at: datetime | None = None
    first: bool = False


class ExtensionGranted(msgspec.Struct, frozen=True, tag="assignments.ExtensionGranted"):
    """A student has dates of their own."""

    assignment_id: str
    program_id: str
    user_id: str
    due_at: str = ""


class TotalsChanged(msgspec.Struct, frozen=True, tag="assignments.TotalsChanged"):
    """Grades of a program add up in another way: by a category, by the terms of an assignment, or by other dates."""

    program_id: str


class DatesChanged(msgspec.Struct, frozen=True, tag="assignments.DatesChanged"):
    """Other dates or attempts hold for these students: by an extension, an accommodation, or a change of a group."""

    assignment_id: str
    program_id: str
    user_ids: tuple[str, ...]


class CertificateIssued(msgspec.Struct, frozen=True, tag="assignments.CertificateIssued"):
    """A student has completed a program by its rules."""

    certificate_id: str
    program_id: str
    user_id: str


class CertificateRevoked(msgspec.Struct, frozen=True, tag="assignments.CertificateRevoked"):
    """A certificate holds no longer; its page says so."""

    certificate_id: str
    program_id: str
    user_id: str


EVENTS: Final = (
    AssignmentPublished,
    AssignmentWithdrawn,
    AssignmentClosed,
    DueSoon,
    SubmissionTurnedIn,
    SubmissionReclaimed,
    GradeReleased,
    ExtensionGranted,
    DatesChanged,
    TotalsChanged,
    CertificateIssued,
    CertificateRevoked,
)
