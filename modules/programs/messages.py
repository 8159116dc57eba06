"""What the routes take and answer, and what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.contract import PushType
from gateway.text import LINE, TEXT, Texts
from modules.programs.facade import LessonSession
from modules.programs.item_messages import A_SESSION, Id, LessonItem, LessonText
from modules.programs.states import PlaceState, ProgramState

Title = Annotated[str, Meta(min_length=1, max_length=200), LINE]
Summary = Annotated[str, Meta(max_length=5000), TEXT]
Price = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000)]
# Shorter than a program's: a push carries all of a curriculum.
Heading = Annotated[str, Meta(min_length=1, max_length=120), LINE]
# Ids of users, which the service checks.
CoMentors = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=20)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2346"
UNIT = "01a2130d-48bf-7174-b972-596a06fb2347"
LESSON = "01a2130d-48bf-7174-b972-596a06fb2348"
AT = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class ProgramView(msgspec.Struct, frozen=True):
    """A program. `price` is in minor units of `currency` (ISO 4217); without `capacity` nobody has to wait."""

    id: str
    title: str
    summary: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    state: ProgramState
    price: int
    currency: str
    capacity: int | None
    rev: int
    created_at: datetime

    @classmethod
    def example(cls) -> ProgramView:
        return cls(EXAMPLE, "Algebra", "From the start", "meera", (), ProgramState.PUBLISHED, 49900, "INR", 30, 3, AT)


PROGRAM: Final = PushType("programs.program", ProgramView)


class NewProgram(Texts, frozen=True):
    title: Title
    summary: Summary = ""
    co_mentors: CoMentors = msgspec.field(default_factory=list)
    price: Price = 0
    currency: Currency = "INR"
    capacity: Capacity | None = None

    @classmethod
    def example(cls) -> NewProgram:
        return cls("Algebra", "From the start", price=49900, capacity=30)


class ProgramChange(Texts, frozen=True):
    """What is left out stays."""

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    co_mentors: CoMentors | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    capacity: Capacity | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> ProgramChange:
        return cls(capacity=40)


class EnrolmentView(msgspec.Struct, frozen=True):
    """A user's place. `ahead` is how many users wait before them; null for a user who has a place."""

    program_id: str
    user_id: str
    state: PlaceState
    ahead: int | None = None

    @classmethod
    def example(cls) -> EnrolmentView:
        return cls(EXAMPLE, "sam", PlaceState.WAITING, 2)


class LessonTitle(msgspec.Struct, frozen=True):
    """A lesson in the curriculum; a higher `rev` says to read the lesson again."""

    id: str
    title: str
    rev: int


class UnitView(msgspec.Struct, frozen=True):
    """A unit with its lessons in their order; its `rev` rises with whatever changes in it."""

    id: str
    title: str
    summary: str
    rev: int
    lessons: tuple[LessonTitle, ...] = ()

    @classmethod
    def example(cls) -> UnitView:
        return cls(UNIT, "Equations", "With one unknown", 7, (LessonTitle(LESSON, "What is x?", 7),))


class Curriculum(msgspec.Struct, frozen=True):
    """What a program teaches, in order; its `rev` rises with every change of it."""

    program_id: str
    rev: int
    units: tuple[UnitView, ...]

    @classmethod
    def example(cls) -> Curriculum:
        return cls(EXAMPLE, 9, (UnitView.example(),))


CURRICULUM: Final = PushType("programs.curriculum", Curriculum)


class LessonView(msgspec.Struct, frozen=True):
    """A whole lesson, for those who take part: its text, and its items in their order.

    `sessions` are the live sessions that are about the lesson, by their time; those that an item shows are left out.
    """

    id: str
    program_id: str
    unit_id: str
    title: str
    text: str
    rev: int
    items: tuple[LessonItem, ...] = ()
    sessions: tuple[LessonSession, ...] = ()

    @classmethod
    def example(cls) -> LessonView:
        text = "A letter for a number."
        return cls(LESSON, EXAMPLE, UNIT, "What is x?", text, 9, (LessonItem.example(),), (A_SESSION,))


class NewUnit(Texts, frozen=True):
    title: Heading
    summary: Summary = ""

    @classmethod
    def example(cls) -> NewUnit:
        return cls("Equations", "With one unknown")


class UnitChange(Texts, frozen=True):
    """What is left out stays."""

    title: Heading | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET

    @classmethod
    def example(cls) -> UnitChange:
        return cls("Equations and more")


class NewLesson(Texts, frozen=True):
    title: Heading
    text: LessonText = ""

    @classmethod
    def example(cls) -> NewLesson:
        return cls("What is x?", "A letter for a number.")


class LessonChange(Texts, frozen=True):
    """What is left out stays."""

    title: Heading | UnsetType = UNSET
    text: LessonText | UnsetType = UNSET

    @classmethod
    def example(cls) -> LessonChange:
        return cls(text="A letter for a number that is not known yet.")


class UnitOrder(msgspec.Struct, frozen=True):
    id: Id
    lessons: list[Id]


class Order(msgspec.Struct, frozen=True):
    """Each unit and each lesson of the curriculum once, in the new order; a lesson may go to another unit."""

    units: list[UnitOrder]

    @classmethod
    def example(cls) -> Order:
        return cls([UnitOrder(UNIT, [LESSON])])


class Mark(msgspec.Struct, frozen=True):
    """What a student did with a lesson; `started` after `completed` changes nothing."""

    state: Literal["started", "completed"]

    @classmethod
    def example(cls) -> Mark:
        return cls("completed")


class LessonMark(msgspec.Struct, frozen=True):
    """What a student has done of one lesson."""

    lesson_id: str
    state: Literal["started", "completed"]
    started_at: datetime
    completed_at: datetime | None

    @classmethod
    def example(cls) -> LessonMark:
        return cls(LESSON, "completed", AT, AT)


class StudentView(msgspec.Struct, frozen=True):
    """How far a student is: `rate` is `completed` of `lessons`, from 0 to 1.

    `completed_at` is when every lesson there was then had been completed; it stays when lessons are added.
    """

    user_id: str
    lessons: int
    completed: int
    rate: float
    completed_at: datetime | None

    @classmethod
    def example(cls) -> StudentView:
        return cls("sam", 4, 1, 0.25, None)


class Progress(msgspec.Struct, frozen=True):
    """A student's rate, with what they started and completed; a lesson that is not there was not begun."""

    student: StudentView
    marks: tuple[LessonMark, ...]

    @classmethod
    def example(cls) -> Progress:
        return cls(StudentView.example(), (LessonMark.example(),))


class LessonRate(msgspec.Struct, frozen=True):
    """How many of the students have started a lesson, and how many completed it."""

    lesson_id: str
    started: int
    completed: int


class Completion(msgspec.Struct, frozen=True):
    """How far the students are together: `rate` is the mean rate, `completed` is how many have a rate of 1."""

    students: int
    completed: int
    rate: float
    lessons: tuple[LessonRate, ...]

    @classmethod
    def example(cls) -> Completion:
        return cls(28, 3, 0.4286, (LessonRate(LESSON, 20, 12),))
