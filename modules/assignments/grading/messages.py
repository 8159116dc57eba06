"""What the routes and pushes of grading carry. What students see is in `submissions`: they have no route here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.text import TEXT, Texts
from modules.assignments.decimals import Decimals, Points
from modules.assignments.grading.rubric import Id
from modules.assignments.grading.visibility import GradeState

ID: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
OTHER: Final = "01a22ccd-7fe5-7513-9cb5-32d02cf1a10b"
AT: Final = datetime(2026, 3, 7, 18, 30, tzinfo=UTC)
Comment = Annotated[str, Meta(max_length=10_000), TEXT]


class NewCriterionMark(Decimals, frozen=True):
    """What a marker says of one criterion: a level of it, or points of their own, or a comment alone."""

    criterion_id: Id
    level_id: Id | None = None
    points: Points | None = None
    comment: Comment = ""


class NewGrade(Decimals, frozen=True):
    """`PUT …/grade`: the whole grade of an attempt. `attempt_id` is the attempt that the marker has read.

    Points are those of the criteria, and of the questions with a key, unless `points` says others. A final grade needs
    a level or points for every criterion, or `points`; students see it as the assignment's release says.
    """

    attempt_id: Id
    state: GradeState
    criteria: Annotated[list[NewCriterionMark], Meta(max_length=1000)] = msgspec.field(default_factory=list)
    points: Points | None = None
    comment: Comment = ""

    @classmethod
    def example(cls) -> NewGrade:
        return cls(ID, GradeState.DRAFT, points=Decimal("7.5"), comment="Look at the second step again")

    def texts(self) -> Iterator[Texts]:
        yield self
        yield from self.criteria


class CriterionMark(msgspec.Struct, frozen=True):
    """`points` is null while a draft says nothing of the criterion."""

    criterion_id: str
    level_id: str | None
    points: Decimal | None
    comment: str


class GradeVersion(msgspec.Struct, frozen=True):
    """One version of a grade. `points` are before lateness; `override` is what the marker gave in place of the sum.

    `marked_by` is null for the key of the questions.
    """

    version: int
    state: GradeState
    points: Decimal | None
    override: Decimal | None
    criteria: tuple[CriterionMark, ...]
    comment: str
    marked_by: str | None
    marked_at: datetime

    def as_draft(self, at: datetime) -> GradeVersion:
        """The same as a draft of this moment."""
        return msgspec.structs.replace(self, state=GradeState.DRAFT, marked_at=at)

    @classmethod
    def example(cls) -> GradeVersion:
        mark = CriterionMark("proof", "best", Decimal("4.00"), "")
        points = Decimal("4.00")
        return cls(2, GradeState.FINAL, points, None, (mark,), "Look at the second step again", "mentor-1", AT)


class GradeView(msgspec.Struct, frozen=True):
    """The grade of a submission's attempt, for those who teach. `latest` is null, and `rev` 0, while there is none.

    `label` is a pseudonym while the assignment is marked anonymously, and the names of those whose work it is after
    that. `score` is after lateness. `released_version` is the version that students see now.
    """

    assignment_id: str
    submission_id: str
    attempt_id: str
    label: str
    days_late: int
    latest: GradeVersion | None
    score: Decimal | None
    released_version: int | None
    released_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> GradeView:
        return cls(ID, OTHER, ID, "K7QF3M", 1, GradeVersion.example(), Decimal("3.60"), None, None, 2)


class GradeVersions(msgspec.Struct, frozen=True):
    """All versions of a grade, the newest first."""

    items: list[GradeVersion]

    @classmethod
    def example(cls) -> GradeVersions:
        return cls([GradeVersion.example()])


class NextUngraded(msgspec.Struct, frozen=True):
    """The submission that the caller marks next; null when nothing is left for them. `left` is how many there are."""

    grade: GradeView | None
    left: int

    @classmethod
    def example(cls) -> NextUngraded:
        return cls(GradeView.example(), 12)


class NewRelease(msgspec.Struct, frozen=True):
    """`POST …/release`: the final grades of these submissions; null is all of the assignment."""

    submission_ids: Annotated[list[Id], Meta(max_length=1000)] | None = None

    @classmethod
    def example(cls) -> NewRelease:
        return cls()


class Released(msgspec.Struct, frozen=True):
    """How many grades were released now; those that students saw already do not count."""

    released: int

    @classmethod
    def example(cls) -> Released:
        return cls(28)


class MarkerChange(msgspec.Struct, frozen=True):
    submission_id: Id
    marker_id: Id | None


class MarkerChanges(msgspec.Struct, frozen=True):
    """`PUT …/markers`: who is to mark these submissions; null is nobody in particular. Others stay as they are."""

    items: Annotated[list[MarkerChange], Meta(max_length=1000)]

    @classmethod
    def example(cls) -> MarkerChanges:
        return cls([])


class NewSplit(msgspec.Struct, frozen=True):
    """`POST …/markers/split`: give what nobody is to mark yet to these; null is all mentors of the program."""

    marker_ids: Annotated[list[Id], Meta(min_length=1, max_length=100)] | None = None

    @classmethod
    def example(cls) -> NewSplit:
        return cls()


class Marking(msgspec.Struct, frozen=True):
    """A submission that was turned in, as a list of what is to mark shows it; `state` is null while there is no grade.

    `points` and `score` are of the latest version, which students may not see.
    """

    submission_id: str
    attempt_id: str
    label: str
    marker_id: str | None
    days_late: int
    state: GradeState | None
    points: Decimal | None
    score: Decimal | None
    released: bool

    @classmethod
    def example(cls) -> Marking:
        return cls(OTHER, ID, "K7QF3M", "mentor-1", 0, GradeState.FINAL, Decimal("4.00"), Decimal("4.00"), False)


class Markings(msgspec.Struct, frozen=True):
    """What was turned in. Of an anonymous assignment in the order of pseudonyms, which says nothing."""

    items: list[Marking]

    @classmethod
    def example(cls) -> Markings:
        return cls([Marking.example()])
