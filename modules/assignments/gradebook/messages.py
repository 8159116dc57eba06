"""What the routes of the grade book answer."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from modules.assignments.gradebook.book import ScoreState, Subtotal, Total
from modules.assignments.gradebook.category_messages import CategoryView
from modules.assignments.gradebook.statistics import Spread

ASSIGNMENT = "01a2130d-48bf-7174-b972-596a06fb2360"
CATEGORY = CategoryView.example().id
PROGRAM = CategoryView.example().program_id


class BookAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment as a column of the grade book. With `names_hidden` it is marked anonymously, and not done yet: it
    has no marks for those who teach, and counts in no total."""

    id: str
    title: str
    points: Decimal
    category_id: str | None
    extra_credit: bool
    names_hidden: bool

    @classmethod
    def example(cls) -> BookAssignment:
        return cls(
            id=ASSIGNMENT,
            title="Quadratic equations",
            points=Decimal("100.00"),
            category_id=CATEGORY,
            extra_credit=False,
            names_hidden=False,
        )


class MarkView(msgspec.Struct, frozen=True, kw_only=True):
    """`score` is after lateness; it is null for missing work, which counts as 0. `released`: the student sees it."""

    state: ScoreState
    score: Decimal | None = None
    days_late: int = 0
    released: bool = True


class BookRow(msgspec.Struct, frozen=True, kw_only=True):
    """A student in the grade book. `marks` are by assignment; what has none is not graded."""

    user_id: str
    name: str
    marks: dict[str, MarkView]
    total: Total

    @classmethod
    def example(cls) -> BookRow:
        mark = MarkView(state=ScoreState.GRADED, score=Decimal("87.50"))
        part = Subtotal(CATEGORY, Decimal("87.50"), Decimal("100.00"), Decimal("87.50"))
        return cls(user_id="sam", name="Sam", marks={ASSIGNMENT: mark}, total=Total(Decimal("87.50"), (part,)))


class GradeBook(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the grade book, by user id. `next` is the cursor of the page after it; null on the last."""

    program_id: str
    released_only: bool
    categories: list[CategoryView]
    assignments: list[BookAssignment]
    items: list[BookRow]
    next: str | None

    @classmethod
    def example(cls) -> GradeBook:
        return cls(
            program_id=PROGRAM,
            released_only=True,
            categories=[CategoryView.example()],
            assignments=[BookAssignment.example()],
            items=[BookRow.example()],
            next=None,
        )


class OwnGrades(msgspec.Struct, frozen=True, kw_only=True):
    """Your own row of the grade book: what is released, and what it adds up to."""

    program_id: str
    categories: list[CategoryView]
    assignments: list[BookAssignment]
    marks: dict[str, MarkView]
    total: Total

    @classmethod
    def example(cls) -> OwnGrades:
        row = BookRow.example()
        return cls(
            program_id=PROGRAM,
            categories=[CategoryView.example()],
            assignments=[BookAssignment.example()],
            marks=row.marks,
            total=row.total,
        )


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """How the grades of an assignment are spread. `spread` is null without grades, and for students while there are
    fewer than `least`."""

    assignment_id: str
    points: Decimal
    released_only: bool
    least: int
    spread: Spread | None

    @classmethod
    def example(cls) -> Statistics:
        spread = Spread(
            count=8,
            mean=Decimal("71.25"),
            lower_quartile=Decimal("60.00"),
            median=Decimal("72.50"),
            upper_quartile=Decimal("85.00"),
            histogram=(0, 0, 0, 0, 1, 1, 2, 2, 1, 1),
        )
        return cls(assignment_id=ASSIGNMENT, points=Decimal("100.00"), released_only=True, least=5, spread=spread)
