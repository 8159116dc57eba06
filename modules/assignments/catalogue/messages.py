"""What the routes of assignments take and answer, and what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.contract import PushType
from gateway.text import LINE, LONG, TEXT
from modules.assignments.catalogue.date_messages import DateView, NewDate
from modules.assignments.dates.effective import Rule
from modules.assignments.dates.late_policy import LateKind
from modules.assignments.decimals import Decimals, Percent, Points
from modules.assignments.records import AssignmentState, Release, WorkKind
from modules.assignments.states import SubmissionState
from modules.files.facade import Shown

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Title = Annotated[str, Meta(min_length=1, max_length=200), LINE]
# Its greatest length is a setting.
Instructions = Annotated[str, LONG, TEXT]
Accepts = Annotated[list[WorkKind], Meta(min_length=1, max_length=5)]
Attempts = Annotated[int, Meta(ge=1, le=1000)]
Files = Annotated[list[Id], Meta(max_length=100)]
FileTypes = Annotated[list[Annotated[str, Meta(pattern="^[a-z]+/[a-z0-9.+-]{1,100}$")]], Meta(max_length=100)]
FileBytes = Annotated[int, Meta(ge=1, le=1 << 40)]
FilesMost = Annotated[int, Meta(ge=1, le=1000)]
PeerReviews = Annotated[int, Meta(ge=0, le=20)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2360"
PROGRAM = "01a2130d-48bf-7174-b972-596a06fb2346"
AT = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
DUE = DateView("2026-02-14T23:59:00", "Asia/Kolkata", datetime(2026, 2, 14, 18, 29, tzinfo=UTC))
ALL: Final = Decimal(100)


class Late(Decimals, frozen=True):
    """What lateness costs. `percent` is of each day late, and `floor` what is left at the least; both of the points."""

    kind: LateKind = LateKind.ACCEPT
    percent: Percent = Decimal(0)
    floor: Percent = Decimal(0)


class NewAssignment(Decimals, frozen=True, kw_only=True):
    """A draft. Null: it opens when it is published, is never due, never closes; as many attempts as one likes.

    `files` are stored files of the purpose `assignments.material`. Without `file_types` all are taken that the platform
    takes. Without `file_bytes` and `files_most` they are as large and as many as the platform allows.
    """

    program_id: Id
    title: Title
    lesson_id: Id | None = None
    instructions: Instructions = ""
    files: Files = msgspec.field(default_factory=list)
    accepts: Accepts = msgspec.field(default_factory=lambda: [WorkKind.TEXT])
    points: Points = ALL
    category_id: Id | None = None
    extra_credit: bool = False
    opens: NewDate | None = None
    due: NewDate | None = None
    closes: NewDate | None = None
    late: Late = Late()
    attempts: Attempts | None = None
    file_types: FileTypes = msgspec.field(default_factory=list)
    file_bytes: FileBytes | None = None
    files_most: FilesMost | None = None
    group_set_id: Id | None = None
    anonymous: bool = False
    release: Release = Release.AT_ONCE
    release_at: NewDate | None = None
    peer_reviews: PeerReviews = 0

    @classmethod
    def example(cls) -> NewAssignment:
        return cls(
            program_id=PROGRAM,
            title="Quadratic equations",
            instructions="Solve all of page 12.",
            accepts=[WorkKind.TEXT, WorkKind.PAGES],
            due=NewDate.example(),
            late=Late(LateKind.PERCENT, Decimal(10), Decimal(50)),
        )


class AssignmentChange(Decimals, frozen=True, kw_only=True):
    """What is left out stays."""

    title: Title | UnsetType = UNSET
    lesson_id: Id | UnsetType | None = UNSET
    instructions: Instructions | UnsetType = UNSET
    files: Files | UnsetType = UNSET
    accepts: Accepts | UnsetType = UNSET
    points: Points | UnsetType = UNSET
    category_id: Id | UnsetType | None = UNSET
    extra_credit: bool | UnsetType = UNSET
    opens: NewDate | UnsetType | None = UNSET
    due: NewDate | UnsetType | None = UNSET
    closes: NewDate | UnsetType | None = UNSET
    late: Late | UnsetType = UNSET
    attempts: Attempts | UnsetType | None = UNSET
    file_types: FileTypes | UnsetType = UNSET
    file_bytes: FileBytes | UnsetType = UNSET
    files_most: FilesMost | UnsetType = UNSET
    group_set_id: Id | UnsetType | None = UNSET
    anonymous: bool | UnsetType = UNSET
    release: Release | UnsetType = UNSET
    release_at: NewDate | UnsetType | None = UNSET
    peer_reviews: PeerReviews | UnsetType = UNSET

    @classmethod
    def example(cls) -> AssignmentChange:
        return cls(title="Quadratic equations, again")


class AssignmentView(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment without its instructions. Its dates are those of the assignment; a student's own are in `yours`.

    `file_types` empty: all that the platform takes. Decimals are texts.
    """

    id: str
    program_id: str
    lesson_id: str | None
    title: str
    state: AssignmentState
    accepts: tuple[WorkKind, ...]
    points: Decimal
    category_id: str | None
    extra_credit: bool
    opens: DateView | None
    due: DateView | None
    closes: DateView | None
    late_kind: LateKind
    late_percent: Decimal
    late_floor: Decimal
    attempts: int | None
    file_types: tuple[str, ...]
    file_bytes: int
    files_most: int
    group_set_id: str | None
    anonymous: bool
    release: Release
    release_at: DateView | None
    peer_reviews: int
    published_at: datetime | None
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> AssignmentView:
        return cls(
            id=EXAMPLE,
            program_id=PROGRAM,
            lesson_id=None,
            title="Quadratic equations",
            state=AssignmentState.PUBLISHED,
            accepts=(WorkKind.TEXT, WorkKind.PAGES),
            points=Decimal("100.00"),
            category_id=None,
            extra_credit=False,
            opens=None,
            due=DUE,
            closes=None,
            late_kind=LateKind.PERCENT,
            late_percent=Decimal("10.00"),
            late_floor=Decimal("50.00"),
            attempts=None,
            file_types=(),
            file_bytes=50 * 1024**2,
            files_most=20,
            group_set_id=None,
            anonymous=False,
            release=Release.AT_ONCE,
            release_at=None,
            peer_reviews=0,
            published_at=AT,
            created_at=AT,
            rev=2,
        )


ASSIGNMENT: Final = PushType("assignments.assignment", AssignmentView)


class DueNotice(msgspec.Struct, frozen=True):
    """`assignments.due`: you have not turned in what is due soon. `due` is your own, by `rule`."""

    assignment_id: str
    program_id: str
    title: str
    due: DateView
    rule: Rule
    rev: int


DUE_SOON: Final = PushType("assignments.due", DueNotice)


class Yours(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for you, and how far you are.

    `rule` gave the due date, and `closes_rule` the closing. `state` is null while nothing was written; `attempts_used`
    counts those that were not reclaimed.
    """

    opens: DateView | None
    due: DateView | None
    closes: DateView | None
    rule: Rule
    closes_rule: Rule
    attempts: int | None
    attempts_used: int = 0
    state: SubmissionState | None = None
    turned_in_at: datetime | None = None


EXAMPLE_YOURS: Final = Yours(
    opens=None, due=DUE, closes=None, rule=Rule.ASSIGNMENT, closes_rule=Rule.ASSIGNMENT, attempts=None
)


class ListedAssignment(AssignmentView, frozen=True, kw_only=True):
    """An assignment in a list. `yours` is for students, and null for those who teach."""

    yours: Yours | None = None

    @classmethod
    def example(cls) -> ListedAssignment:
        return cls(**msgspec.structs.asdict(AssignmentView.example()), yours=EXAMPLE_YOURS)


class GroupMember(msgspec.Struct, frozen=True):
    id: str
    name: str


class GroupView(msgspec.Struct, frozen=True):
    """A group, and who is in it now."""

    id: str
    name: str
    members: tuple[GroupMember, ...]


class WholeAssignment(AssignmentView, frozen=True, kw_only=True):
    """A whole assignment. Students read `instructions` and `files` once it is `open`; before that they are empty.

    `group` is the student's own, with whom they hand in; null for who is in none, and for those who teach.
    """

    open: bool
    instructions: str
    files: tuple[Shown, ...] = ()
    yours: Yours | None = None
    group: GroupView | None = None

    @classmethod
    def example(cls) -> WholeAssignment:
        values = msgspec.structs.asdict(AssignmentView.example())
        return cls(**values, open=True, instructions="Solve all of page 12.", yours=EXAMPLE_YOURS)
