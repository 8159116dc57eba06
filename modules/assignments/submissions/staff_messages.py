"""What the routes of submissions answer those who teach."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from modules.assignments.states import SubmissionState
from modules.assignments.submissions.messages import AT, ATTEMPT, FILE, QUESTION, SUBMISSION, NewAnswer
from modules.assignments.submissions.quiz import QuestionResult
from modules.files.facade import FileState, Shown


class Wanted(StrEnum):
    """Which submissions a list shows."""

    MISSING = "missing"
    """Nothing is turned in."""
    LATE = "late"
    UNGRADED = "ungraded"
    """Turned in, and without a final grade."""
    TURNED_IN = "turned_in"
    """Something is turned in, also when it is graded."""


class SubmissionLine(msgspec.Struct, frozen=True, kw_only=True):
    """The work of one student, or of one group, in a list.

    `submission_id` is null for who has begun nothing. While markers may not know whose work it is, `user_ids`,
    `group_id` and `turned_in_at` are empty, and work that is missing is not listed. `name` is a name, or a pseudonym.
    """

    submission_id: str | None
    name: str
    user_ids: list[str] = []
    group_id: str | None = None
    state: SubmissionState
    # The attempt that counts, and its number.
    attempt_id: str | None
    number: int | None
    attempts: int
    turned_in_at: datetime | None
    days_late: int
    graded: bool

    @classmethod
    def example(cls) -> SubmissionLine:
        return cls(
            submission_id=SUBMISSION,
            name="Asha R",
            user_ids=["student-1"],
            state=SubmissionState.TURNED_IN,
            attempt_id=ATTEMPT,
            number=1,
            attempts=1,
            turned_in_at=AT,
            days_late=0,
            graded=False,
        )


class StaffAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as those who teach see it. File names are neutral while they may not know whose work it is."""

    id: str
    number: int
    turned_in_at: datetime | None
    days_late: int
    turned_in_by: str | None
    members: list[str]
    text: str
    link: str
    answers: list[NewAnswer]
    files: list[Shown]
    auto_points: Decimal | None
    results: list[QuestionResult] | None
    reclaimed: bool

    @classmethod
    def example(cls) -> StaffAttempt:
        return cls(
            id=ATTEMPT,
            number=1,
            turned_in_at=AT,
            days_late=0,
            turned_in_by="student-1",
            members=["student-1"],
            text="The force is equal to …",
            link="",
            answers=[NewAnswer(QUESTION, ["b"])],
            files=[Shown(FILE, "page-1.jpg", "image/jpeg", 120_000, FileState.CLEAN, 1200, 1600, True)],
            auto_points=Decimal("2.00"),
            results=[QuestionResult(QUESTION, Decimal("2.00"), Decimal("2.00"))],
            reclaimed=False,
        )


class StaffSubmission(msgspec.Struct, frozen=True):
    """A submission with all its attempts, the first one first. No draft is among them."""

    line: SubmissionLine
    history: list[StaffAttempt]

    @classmethod
    def example(cls) -> StaffSubmission:
        return cls(SubmissionLine.example(), [StaffAttempt.example()])
