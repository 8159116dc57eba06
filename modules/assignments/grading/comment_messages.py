"""What the routes of a program's comments carry."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.text import TEXT, Texts
from modules.assignments.grading.rubric import Id

LONGEST: Final = 2000
ID: Final = "01a2130d-48bf-7174-b972-596a06fb2346"


class NewComment(Texts, frozen=True):
    """`POST /assignments/comments`: a sentence that the markers of a program use again."""

    program_id: Id
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST), TEXT]

    @classmethod
    def example(cls) -> NewComment:
        return cls(ID, "Name the theorem that you use")


class CommentChange(Texts, frozen=True):
    """`PUT /assignments/comments/{id}`."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST), TEXT]

    @classmethod
    def example(cls) -> CommentChange:
        return cls("Name each theorem that you use")


class BankedComment(msgspec.Struct, frozen=True):
    """A comment of a program's bank."""

    id: str
    program_id: str
    text: str
    created_by: str
    rev: int

    @classmethod
    def example(cls) -> BankedComment:
        return cls(ID, ID, "Name the theorem that you use", "mentor-1", 1)


class CommentBank(msgspec.Struct, frozen=True):
    """All comments of a program, the oldest first."""

    items: list[BankedComment]

    @classmethod
    def example(cls) -> CommentBank:
        return cls([BankedComment.example()])
