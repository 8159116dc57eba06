"""What clients see of students at risk, and send to write to them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.text import LONG, TEXT, Texts

ReasonName = Literal["attendance", "submissions", "lessons"]
UserId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
MOMENT: Final = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


class Reason(msgspec.Struct, frozen=True):
    """Why a student is in the list: `value` = `numerator` / `denominator` is below `least`.

    `attendance`: classes attended, of those in which they were expected. `submissions`: assignments turned in, of those
    that closed while they had a place. `lessons`: lessons completed, of those of the program; `least` depends on how
    far half of the program's students are.
    """

    reason: ReasonName
    numerator: int
    denominator: int
    value: float
    least: float


class StudentAtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """A student who falls behind. `last_learnt_on` is a day of the zone of analytics, null for who never learnt.

    `written_at` says when somebody last wrote to them from this list, and `written_by` who that was.
    """

    user_id: str
    name: str
    enrolled_at: datetime
    last_learnt_on: date | None
    reasons: list[Reason]
    written_at: datetime | None
    written_by: str | None

    @classmethod
    def example(cls) -> StudentAtRisk:
        return cls(
            user_id="sam",
            name="Sam",
            enrolled_at=datetime(2026, 10, 5, 4, 30, tzinfo=UTC),
            last_learnt_on=date(2026, 11, 17),
            reasons=[Reason("attendance", 2, 8, 0.25, 0.6), Reason("lessons", 1, 20, 0.05, 0.25)],
            written_at=None,
            written_by=None,
        )


class StudentsAtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the students who fall behind, those with most reasons first.

    `at_risk` of the program's `students` are in the whole list. Classes and assignments count from `since` on. All that
    happened before `as_of` is counted.
    """

    items: list[StudentAtRisk]
    next: str | None
    students: int
    at_risk: int
    since: datetime
    as_of: datetime

    @classmethod
    def example(cls) -> StudentsAtRisk:
        since = datetime(2026, 11, 3, 18, 30, tzinfo=UTC)
        return cls(items=[StudentAtRisk.example()], next=None, students=48, at_risk=1, since=since, as_of=MOMENT)


class MessageToStudents(Texts, frozen=True):
    """A text of up to `KSMP_ANALYTICS_MESSAGE_CHARACTERS` for students of the program; each gets a notification."""

    users: Annotated[list[UserId], Meta(min_length=1, max_length=200)]
    text: Annotated[str, LONG, TEXT]

    @classmethod
    def example(cls) -> MessageToStudents:
        return cls(["dev-student"], "I missed you in the last classes. Can I help you to catch up?")


class MessageResult(msgspec.Struct, frozen=True):
    """What became of the message to one student.

    `sent`; `recently`: somebody wrote to them from this list a short time ago, at `written_at`; `no_student`: they are
    no student of the program, or no user of the platform.
    """

    user_id: str
    state: Literal["sent", "recently", "no_student"]
    written_at: datetime | None


class MessageResults(msgspec.Struct, frozen=True):
    """One for each user, in the order of the request."""

    results: list[MessageResult]

    @classmethod
    def example(cls) -> MessageResults:
        return cls([MessageResult("dev-student", "sent", MOMENT)])
