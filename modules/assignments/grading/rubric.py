"""A rubric: criteria, each with levels that are worth points. No IO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.errors import BadInput, Code, invalid
from gateway.identifier import new_id
from gateway.text import LINE, TEXT, Texts
from modules.assignments.decimals import Decimals, Points, rounded

ID: Final = "^[A-Za-z0-9_-]{1,64}$"
MOST_LEVELS: Final = 20
Id = Annotated[str, Meta(pattern=ID)]


class NewLevel(Decimals, frozen=True):
    """A level of a criterion. Without `id` it is a new one, and gets one."""

    title: Annotated[str, Meta(min_length=1, max_length=200), LINE]
    points: Points
    id: Id | None = None


class NewCriterion(Texts, frozen=True):
    """A criterion. Without `id` it is a new one, and gets one."""

    title: Annotated[str, Meta(min_length=1, max_length=200), LINE]
    levels: Annotated[list[NewLevel], Meta(min_length=1, max_length=MOST_LEVELS)]
    text: Annotated[str, Meta(max_length=2000), TEXT] = ""
    id: Id | None = None


class NewRubric(Texts, frozen=True):
    """`PUT /assignments/{id}/rubric`: all criteria, in order. None at all is no rubric."""

    criteria: Annotated[list[NewCriterion], Meta(max_length=1000)]

    @classmethod
    def example(cls) -> NewRubric:
        levels = [NewLevel("Complete", Decimal(4)), NewLevel("With a gap", Decimal("2.5"))]
        return cls([NewCriterion("Proof", levels, "Every step follows from the one before")])

    def texts(self) -> Iterator[Texts]:
        """All parts whose texts a filter must see."""
        for criterion in self.criteria:
            yield criterion
            yield from criterion.levels


class Level(msgspec.Struct, frozen=True):
    id: str
    title: str
    points: Decimal


class Criterion(msgspec.Struct, frozen=True):
    id: str
    title: str
    text: str
    levels: tuple[Level, ...]

    def level(self, id: str) -> Level | None:
        return next((level for level in self.levels if level.id == id), None)


class Rubric(msgspec.Struct, frozen=True):
    """An assignment's rubric. `rev` is 0 while it has none. `points` is what the best level of each criterion makes."""

    assignment_id: str
    criteria: tuple[Criterion, ...]
    points: Decimal
    rev: int

    @classmethod
    def of(cls, assignment_id: str, criteria: Sequence[Criterion], rev: int) -> Rubric:
        best = sum((max(level.points for level in one.levels) for one in criteria), Decimal(0))
        return cls(assignment_id, tuple(criteria), rounded(best), rev)

    @classmethod
    def example(cls) -> Rubric:
        levels = (Level("best", "Complete", Decimal("4.00")), Level("none", "None", Decimal("0.00")))
        proof = Criterion("proof", "Proof", "Every step follows from the one before", levels)
        return cls.of("01a2130d-48bf-7174-b972-596a06fb2346", [proof], 1)

    def criterion(self, id: str) -> Criterion | None:
        return next((one for one in self.criteria if one.id == id), None)

    def counts_as(self, other: Rubric) -> bool:
        """Whether both give the same points for the same levels: they differ in nothing but texts."""
        return self._shape() == other._shape()

    def _shape(self) -> list[tuple[str, list[tuple[str, Decimal]]]]:
        return [(one.id, [(level.id, level.points) for level in one.levels]) for one in self.criteria]


def criteria_of(new: NewRubric, most: int) -> list[Criterion]:
    """The criteria of a request, each with its id. Raises BadInput `too_large` and `invalid`."""
    if len(new.criteria) > most:
        raise BadInput(Code.TOO_LARGE, f"a rubric has at most {most} criteria", field="criteria")
    made = [
        Criterion(
            one.id or new_id(),
            one.title,
            one.text,
            tuple(Level(level.id or new_id(), level.title, level.points) for level in one.levels),
        )
        for one in new.criteria
    ]
    for ids in ([one.id for one in made], *([level.id for level in one.levels] for one in made)):
        if len(ids) != len(set(ids)):
            raise invalid("two have the same id", field="criteria")
    return made
