"""What was turned in in time, how it was graded, and how long students waited for that."""

from __future__ import annotations

from typing import Final

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.measure import TIME, Dimension, Measure, Parts, Unit

TURNED_IN: Final = "assignments.turned_in"
GRADED: Final = "assignments.graded"
FIRST_GRADE: Final = "assignments.first_grade"
# Facts hold a score as so many parts of all points.
WHOLE: Final = 10_000
WHERE: Final = (*TIME, Dimension.PROGRAM)


def _on_time(cells: Cells) -> Parts:
    return Parts(cells.count(TURNED_IN, "on_time"), cells.count(TURNED_IN, "on_time", "late"))


def _score(cells: Cells) -> Parts:
    grades = cells.count(GRADED)
    return Parts(cells.value(GRADED), grades * WHOLE, people=grades)


def _time_to_grade(cells: Cells) -> Parts:
    return Parts(cells.value(FIRST_GRADE), cells.count(FIRST_GRADE))


MEASURES: Final[tuple[Measure, ...]] = (
    CountedMeasure(
        name="on_time",
        title="Turned in on time",
        unit=Unit.RATIO,
        definition="The share of submissions that were turned in before they were due. A student's last one counts.",
        numerator="Submissions that were turned in on time",
        denominator="Submissions that were turned in",
        registers=(TURNED_IN,),
        dimensions=WHERE,
        personal=True,
        formula=_on_time,
    ),
    CountedMeasure(
        name="score",
        title="Score",
        unit=Unit.RATIO,
        definition="The share of an assignment's points that students got, on average of their released grades.",
        numerator="Ten-thousandths of the points, added up over grades",
        denominator="10,000 for each grade",
        registers=(GRADED,),
        dimensions=WHERE,
        personal=True,
        discreet=True,
        formula=_score,
    ),
    CountedMeasure(
        name="time_to_grade",
        title="Time to grade",
        unit=Unit.SECONDS,
        definition="How long students waited for their grade, on average: from turning in to its first release.",
        numerator="Seconds from turning in to the first release, added up",
        denominator="Grades that were released for the first time",
        rollups=(FIRST_GRADE,),
        dimensions=WHERE,
        lower_is_better=True,
        formula=_time_to_grade,
    ),
)
