"""The rows of submissions and attempts, as they are read."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec

from modules.assignments.states import SubmissionState
from modules.assignments.submissions.quiz import Answered, QuestionResult


def random_id() -> str:
    """The id of a submission or an attempt. It says nothing of when it was made: anonymous markers see it."""
    return str(uuid.uuid4())


class AttemptFile(msgspec.Struct, frozen=True):
    """A file as it was when it was turned in. `sha256` is of all its bytes, in lower-case hex."""

    id: str
    name: str
    type: str
    size: int
    sha256: str


class Submission(msgspec.Struct, frozen=True):
    """What a student, or a group, hands in for an assignment: one of `user_id` and `group_id` is set.

    `attempts` counts those that were not reclaimed, `attempt_id` is the latest of them. `rev` rises with what its
    students may see of it; the draft has a revision of its own.
    """

    id: str
    assignment_id: str
    program_id: str
    user_id: str | None
    group_id: str | None
    state: SubmissionState
    draft_rev: int
    draft_text: str
    draft_link: str
    draft_answers: dict[str, Answered]
    draft_saved_by: str | None
    draft_saved_at: datetime | None
    # When text, link or answers were last changed; files have moments of their own.
    draft_written_at: datetime | None
    attempt_id: str | None
    attempts: int
    rev: int


class Attempt(msgspec.Struct, frozen=True):
    """What was turned in. Only `reclaimed_at` is ever written later."""

    id: str
    submission_id: str
    assignment_id: str
    number: int
    draft_rev: int
    text: str
    link: str
    answers: dict[str, Answered]
    files: tuple[AttemptFile, ...]
    turned_in_by: str
    members: tuple[str, ...]
    turned_in_at: datetime
    # What lateness is counted from: see `stamps.py`.
    counted_at: datetime
    accepted_at: datetime
    receipt: str
    auto_points: Decimal | None
    auto_results: tuple[QuestionResult, ...] | None
    reclaimed_at: datetime | None


class AttemptFacts(msgspec.Struct, frozen=True):
    """An attempt without what was written, for lists and histories. `files` is how many there are."""

    id: str
    submission_id: str
    number: int
    files: int
    turned_in_by: str
    members: tuple[str, ...]
    turned_in_at: datetime
    counted_at: datetime
    reclaimed_at: datetime | None


class SubmissionFacts(msgspec.Struct, frozen=True):
    """A submission without its draft, with the attempt that counts."""

    id: str
    user_id: str | None
    group_id: str | None
    state: SubmissionState
    attempts: int
    attempt: AttemptFacts | None


def facts_of(attempt: Attempt) -> AttemptFacts:
    return AttemptFacts(
        attempt.id,
        attempt.submission_id,
        attempt.number,
        len(attempt.files),
        attempt.turned_in_by,
        attempt.members,
        attempt.turned_in_at,
        attempt.counted_at,
        attempt.reclaimed_at,
    )
