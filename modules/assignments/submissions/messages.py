"""What the routes and pushes of submissions carry for students."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import LONG, TEXT, Texts
from modules.assignments.dates.effective import EffectiveDates, Rule
from modules.assignments.states import SubmissionState
from modules.assignments.submissions.hooks import ReleasedGrade
from modules.assignments.submissions.quiz import QuestionResult
from modules.assignments.submissions.records import AttemptFile
from modules.files.facade import FileState, Shown

ID: Final = "01a22ccd-7fe5-7513-9cb5-32d02cf1a10b"
ATTEMPT: Final = "6f8c1a9e-0c1d-4d9b-8f3a-2f6f0e0f9c11"
SUBMISSION: Final = "0d9b6c52-9a55-4c6e-b0a0-7c1c6f6f4a10"
QUESTION: Final = "01a2130d-48bf-7174-b972-596a06fb2351"
FILE: Final = "01a2130d-48bf-7174-b972-596a06fb2352"
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Revision = Annotated[int, Meta(ge=0, le=2**53)]
Link = Annotated[str, Meta(max_length=2000, pattern=r'^(https?://[^\s<>"\\]+)?$')]


class NewAnswer(Texts, frozen=True):
    """The answer to one question: the ids of the options chosen, or a text. A number is a text, such as `9.81`."""

    question_id: Id
    options: Annotated[list[Id], Meta(max_length=50)] = msgspec.field(default_factory=list)
    text: Annotated[str, Meta(max_length=2000), TEXT] = ""


class DraftSave(Texts, frozen=True):
    """`PUT …/submission/draft`: the whole draft. `draft_rev` is that of the draft it was made of, 0 for none.

    `files` are the ids of stored files, in the order in which they are handed in.
    """

    draft_rev: Revision
    text: Annotated[str, LONG, TEXT] = ""
    link: Link = ""
    answers: Annotated[list[NewAnswer], Meta(max_length=200)] = msgspec.field(default_factory=list)
    files: Annotated[list[Id], Meta(max_length=200)] = msgspec.field(default_factory=list)

    @classmethod
    def example(cls) -> DraftSave:
        return cls(0, "The force is equal to …", "", [], [])


class DraftView(msgspec.Struct, frozen=True):
    """The draft as it is saved; `rev` is 0 while there is none."""

    assignment_id: str
    rev: int
    text: str
    link: str
    answers: list[NewAnswer]
    files: list[Shown]
    saved_by: str | None
    saved_at: datetime | None

    @classmethod
    def example(cls) -> DraftView:
        shown = Shown(FILE, "page-1.jpg", "image/jpeg", 120_000, FileState.CLEAN, 1200, 1600, True)
        answers = [NewAnswer(QUESTION, ["b"])]
        return cls(ID, 7, "The force is equal to …", "", answers, [shown], "student-1", AT)


class DraftSaved(msgspec.Struct, frozen=True):
    """`assignments.draft`: another tab, or another member, has saved the draft. `GET …/submission/draft` has it."""

    assignment_id: str
    rev: int
    saved_by: str
    saved_at: datetime


class TurnIn(msgspec.Struct, frozen=True):
    """`POST …/submission/turn-in`: the draft at this revision, and no other, is turned in."""

    draft_rev: Annotated[int, Meta(ge=1, le=2**53)]

    @classmethod
    def example(cls) -> TurnIn:
        return cls(7)


class Receipt(msgspec.Struct, frozen=True):
    """What was turned in. `hash` is of all above it (`receipts.py`); what is below is derived anew each time.

    `turned_in_at` is the stamp, `counted_at` what lateness is counted from. `rule` says which date holds.
    """

    assignment_id: str
    submission_id: str
    attempt_id: str
    number: int
    draft_rev: int
    turned_in_by: str
    members: list[str]
    turned_in_at: datetime
    counted_at: datetime
    text_sha256: str
    link_sha256: str
    answers_sha256: str
    files: list[AttemptFile]
    hash: str
    days_late: int
    due_at: datetime | None
    rule: Rule
    reclaimed_at: datetime | None

    @classmethod
    def example(cls) -> Receipt:
        file = AttemptFile(FILE, "page-1.jpg", "image/jpeg", 120_000, SHA256)
        due = AT + timedelta(hours=1)
        return cls(
            ID,
            SUBMISSION,
            ATTEMPT,
            1,
            7,
            "student-1",
            ["student-1"],
            AT,
            AT,
            SHA256,
            SHA256,
            SHA256,
            [file],
            SHA256,
            0,
            due,
            Rule.ASSIGNMENT,
            None,
        )


class DatesView(msgspec.Struct, frozen=True):
    """The dates that hold for the student, and the rule that gave them."""

    opens_at: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    rule: Rule


class AttemptSummary(msgspec.Struct, frozen=True):
    """One attempt in the history. One that was reclaimed counts neither for the grade nor as an attempt."""

    id: str
    number: int
    turned_in_at: datetime
    days_late: int
    files: int
    turned_in_by: str
    reclaimed_at: datetime | None


class GradeSummary(msgspec.Struct, frozen=True):
    """A released grade; `score` is after lateness. `GET …/attempts/{number}` has comment and criteria."""

    attempt_id: str
    points: Decimal | None
    score: Decimal | None
    days_late: int
    released_at: datetime


class SubmissionView(msgspec.Struct, frozen=True):
    """What a student has handed in for an assignment; also the push `assignments.submission`.

    `attempts_left` null is as many as one likes. `grades` are those that are released, the attempt that counts last.
    """

    assignment_id: str
    submission_id: str | None
    state: SubmissionState
    rev: int
    group_id: str | None
    members: list[str]
    dates: DatesView
    attempts_left: int | None
    # The attempt that counts.
    attempt_id: str | None
    attempts: list[AttemptSummary]
    grades: list[GradeSummary]

    @classmethod
    def example(cls) -> SubmissionView:
        return cls(
            ID,
            SUBMISSION,
            SubmissionState.RETURNED,
            3,
            None,
            ["student-1"],
            DatesView(None, AT + timedelta(hours=1), None, Rule.EXTENSION),
            2,
            ATTEMPT,
            [AttemptSummary(ATTEMPT, 1, AT, 0, 1, "student-1", None)],
            [GradeSummary(ATTEMPT, Decimal("7.50"), Decimal("7.50"), 0, AT)],
        )


class AttemptView(msgspec.Struct, frozen=True):
    """An attempt as its students see it. Grade and results of questions are null until they are released."""

    id: str
    number: int
    turned_in_at: datetime
    counted_at: datetime
    days_late: int
    turned_in_by: str
    members: list[str]
    text: str
    link: str
    answers: list[NewAnswer]
    files: list[Shown]
    reclaimed_at: datetime | None
    grade: ReleasedGrade | None
    results: list[QuestionResult] | None

    @classmethod
    def example(cls) -> AttemptView:
        shown = Shown(FILE, "page-1.jpg", "image/jpeg", 120_000, FileState.CLEAN, 1200, 1600, True)
        return cls(ATTEMPT, 1, AT, AT, 0, "student-1", ["student-1"], "", "", [], [shown], None, None, None)


class TurnInNoted(msgspec.Struct, frozen=True):
    """`assignments.turn_in_noted`: a try to turn in came while a part of ours was away. Try again: this stamp holds."""

    assignment_id: str
    draft_rev: int
    stamped_at: datetime


DRAFT: Final = PushType("assignments.draft", DraftSaved)
SUBMITTED: Final = PushType("assignments.submission", SubmissionView)
NOTED: Final = PushType("assignments.turn_in_noted", TurnInNoted)


def dates_view(dates: EffectiveDates) -> DatesView:
    return DatesView(dates.opens_at, dates.due_at, dates.closes_at, dates.rule)
