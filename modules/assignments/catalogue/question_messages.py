"""What the routes of questions take and answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.text import LINE, TEXT, Texts
from modules.assignments.catalogue.messages import EXAMPLE
from modules.assignments.catalogue.question import Option
from modules.assignments.decimals import Decimals, Points
from modules.assignments.question_keys import Key, QuestionKind, SingleKey

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
# A number of a key: unlike points it may be below 0, and have more decimals.
Number = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$", description="A decimal number as text")]
Tolerance = Annotated[str, Meta(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$", description="A decimal number as text")]
Accepted = Annotated[str, Meta(min_length=1, max_length=500), LINE]

QUESTION = "01a2130d-48bf-7174-b972-596a06fb2351"


class NewOption(Texts, frozen=True):
    """An answer to choose from, and whether it is right. With the `id` of an option that is there it stays that one."""

    text: Annotated[str, Meta(min_length=1, max_length=1000), LINE]
    right: bool = False
    id: Id | None = None


class NewQuestion(Decimals, frozen=True, kw_only=True):
    """A question with its key.

    `single` and `multiple` have options, of which one, or at least one, is right. `numeric` has a `value`, from which
    an answer may differ by `tolerance`. `short_text` has `accepted` answers; case, spaces and compatible forms of
    letters make no difference. With the `id` of a question that is there it stays that one.
    """

    kind: QuestionKind
    text: Annotated[str, Meta(min_length=1, max_length=5000), TEXT]
    points: Points
    options: Annotated[list[NewOption], Meta(max_length=50)] = msgspec.field(default_factory=list)
    value: Number | None = None
    tolerance: Tolerance = "0"
    accepted: Annotated[list[Accepted], Meta(max_length=50)] = msgspec.field(default_factory=list)
    id: Id | None = None


class NewQuestions(msgspec.Struct, frozen=True):
    """All questions of an assignment, in their order."""

    questions: Annotated[list[NewQuestion], Meta(max_length=200)]

    @classmethod
    def example(cls) -> NewQuestions:
        options = [NewOption("2", right=True), NewOption("3")]
        return cls([NewQuestion(kind=QuestionKind.SINGLE, text="1 + 1", points=Decimal(1), options=options)])


class QuestionView(msgspec.Struct, frozen=True):
    """A question as it is asked. `points` is a decimal as text."""

    id: str
    kind: QuestionKind
    text: str
    options: tuple[Option, ...]
    points: Decimal


class Questions(msgspec.Struct, frozen=True):
    """The questions of an assignment in their order; `rev` is the assignment's.

    `keys`, by question, are for those who teach it, and null for students.
    """

    assignment_id: str
    rev: int
    questions: tuple[QuestionView, ...]
    keys: dict[str, Key] | None = None

    @classmethod
    def example(cls) -> Questions:
        options = (Option("a", "2"), Option("b", "3"))
        question = QuestionView(QUESTION, QuestionKind.SINGLE, "1 + 1", options, Decimal("1.00"))
        return cls(EXAMPLE, 3, (question,), {QUESTION: SingleKey("a")})
