"""What a student must have for the certificate of a program, and what of it they have. Pure.

A share is rounded to two decimals, half up, and it is that number which is compared: what is shown as enough is enough.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec

from modules.assignments.gradebook.book import rounded
from modules.live.facade import Attended
from modules.programs.facade import LessonsDone


class RequirementKind(StrEnum):
    LESSONS = "lessons"
    """The share of the program's lessons that the student has completed."""
    ATTENDANCE = "attendance"
    """The share of the program's sessions at which the student was present."""
    GRADE = "grade"
    """The total of the grade book that is certain: of what is released, with 0 for all that is not graded yet."""


class CompletionRule(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed, in percent; null asks for nothing. Without any rule nobody completes the program."""

    program_id: str
    lessons: Decimal | None = None
    attendance: Decimal | None = None
    grade: Decimal | None = None
    rev: int = 0

    @property
    def asks(self) -> bool:
        """Whether there is anything to be met."""
        return any(one is not None for one in (self.lessons, self.attendance, self.grade))

    @classmethod
    def example(cls) -> CompletionRule:
        return cls(
            program_id="01a2130d-48bf-7174-b972-596a06fb2346",
            lessons=Decimal("100.00"),
            attendance=Decimal("75.00"),
            grade=Decimal("40.00"),
            rev=1,
        )


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """`reached` and `needed` are in percent. `reached` is null while there is nothing to reach: no lesson, no session
    that is over, no grade. Then it is not met."""

    kind: RequirementKind
    needed: Decimal
    reached: Decimal | None
    met: bool


def requirements_of(
    rule: CompletionRule, lessons: LessonsDone, attended: Attended, grade: Decimal | None
) -> tuple[Requirement, ...]:
    """Each requirement of the rule, with what the student has."""
    found = (
        (RequirementKind.LESSONS, rule.lessons, share(lessons.completed, lessons.lessons)),
        (RequirementKind.ATTENDANCE, rule.attendance, share(attended.present, attended.sessions)),
        (RequirementKind.GRADE, rule.grade, grade),
    )
    return tuple(
        Requirement(kind=kind, needed=needed, reached=reached, met=reached is not None and reached >= needed)
        for kind, needed, reached in found
        if needed is not None
    )


def share(part: int, whole: int) -> Decimal | None:
    """In percent; None of nothing."""
    return rounded(Fraction(100 * part, whole)) if whole else None
