"""Who was in the sessions that ended, and for how long. Facts lie at the end of their session."""

from __future__ import annotations

from typing import Final

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.measure import TIME, Dimension, Measure, Parts, Unit

ATTENDED: Final = "live.attended"
# Students who were expected; a guest was there and was not, so a share of them cannot be above one.
THERE: Final = ("present", "late")
EXPECTED: Final = (*THERE, "absent")
WHERE: Final = (*TIME, Dimension.PROGRAM, Dimension.SESSION)


def _attendance(cells: Cells) -> Parts:
    return Parts(cells.count(ATTENDED, *THERE), cells.count(ATTENDED, *EXPECTED))


def _watch_time(cells: Cells) -> Parts:
    return Parts(cells.value(ATTENDED, *THERE, "guest"), cells.count(ATTENDED, *THERE, "guest"))


MEASURES: Final[tuple[Measure, ...]] = (
    CountedMeasure(
        name="attendance",
        title="Attendance",
        unit=Unit.RATIO,
        definition="The share of expected students who were present in the sessions that ended.",
        numerator="Expected students who were present or late, added up over sessions",
        denominator="Expected students, added up over sessions",
        registers=(ATTENDED,),
        dimensions=WHERE,
        target=0.8,
        personal=True,
        formula=_attendance,
    ),
    CountedMeasure(
        name="watch_time",
        title="Time in class",
        unit=Unit.SECONDS,
        definition="How long a student stayed in a session, on average of those who came.",
        numerator="Seconds that students were in sessions",
        denominator="Students who came, added up over sessions",
        registers=(ATTENDED,),
        dimensions=WHERE,
        personal=True,
        formula=_watch_time,
    ),
)
