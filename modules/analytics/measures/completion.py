"""How far students are, as it stood at the end of a time.

A pair counts from when all of it was there: a student with a place, and a lesson or an assignment. What was done counts
of such pairs alone, so no share is above one. Students who gave back their place, and lessons and assignments that were
taken away, do not count any more, also for earlier times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from modules.analytics.measures.completion_repository import CompletionRepository, Grown
from modules.analytics.measures.measure import TIME, ByCurrency, Dimension, Measure, Parts, Result, Unit
from modules.analytics.measures.reading import Reading

STUDENTS: Final = "programs.enrolled"
Read = Callable[[CompletionRepository, Reading], Awaitable[list[Grown]]]


@dataclass(frozen=True, kw_only=True)
class CompletionMeasure(Measure):
    """`grown` says how students, things to do and what was done grew in each program."""

    grown: Read

    async def read(self, reading: Reading) -> Result:
        """Everything from before the window counts too, so there are no facts outside of it."""
        step = None if reading.query.by is None else reading.query.by.step
        what = self.name if step is None else f"{self.name} by {step}"
        programs, last = await reading.once(what, lambda: self._grown(reading))
        # What tells days apart does so well enough for the whole, and for programs.
        reading.note(self.name, (programs, last))
        groups: dict[str, ByCurrency] = {}
        if reading.spans:
            for number, span in enumerate(reading.spans):
                groups[span.day.isoformat()] = _at(programs, number + 2)
        elif reading.query.by is Dimension.PROGRAM:
            groups = {program.program_id: _at([program], last) for program in programs}
        # The end of the window before is the beginning of this one.
        return Result(total=_at(programs, last), previous=_at(programs, 1), groups=groups)

    async def _grown(self, reading: Reading) -> tuple[list[Grown], int]:
        """The programs, and the number of the last time that is told apart in them."""
        return await self.grown(CompletionRepository(reading.database), reading), len(reading.boundaries) - 1


def _at(programs: Iterable[Grown], span: int) -> ByCurrency:
    """How it stood at the end of the `span`th time."""
    numerator = denominator = 0
    for program in programs:
        denominator += _until(program.students, span) * _until(program.things, span)
        numerator += _until(program.done, span)
    return {"": Parts(numerator, denominator)}


def _until(grown: dict[int, int], span: int) -> int:
    return sum(number for place, number in grown.items() if place <= span)


WHERE: Final = (*TIME, Dimension.PROGRAM)
MEASURES: Final[tuple[Measure, ...]] = (
    CompletionMeasure(
        name="lesson_completion",
        title="Lessons completed",
        unit=Unit.RATIO,
        definition="The share of their programs' lessons that students have completed, as it stood at the end.",
        numerator="Lessons of these that their students had completed",
        denominator="For each student with a place: the lessons of the program",
        others=(STUDENTS, "programs.lesson", "programs.lesson_done"),
        dimensions=WHERE,
        personal=True,
        state=True,
        grown=CompletionRepository.lessons,
    ),
    CompletionMeasure(
        name="assignment_completion",
        title="Assignments turned in",
        unit=Unit.RATIO,
        definition="The share of their programs' assignments that students have turned in, as it stood at the end.",
        numerator="Assignments of these that their students had turned in, late ones too",
        denominator="For each student with a place: the published assignments of the program",
        others=(STUDENTS, "assignments.assignment", "assignments.turned_in"),
        dimensions=WHERE,
        personal=True,
        state=True,
        grown=CompletionRepository.assignments,
    ),
    CompletionMeasure(
        name="program_completion",
        title="Programs completed",
        unit=Unit.RATIO,
        definition="The share of students with a place who have completed the program, as it stood at the end.",
        numerator="Students of these who had completed the program, added up over programs",
        denominator="Students with a place, added up over programs",
        others=(STUDENTS, "programs.completed"),
        dimensions=WHERE,
        target=0.9,
        personal=True,
        state=True,
        grown=CompletionRepository.programs,
    ),
)
