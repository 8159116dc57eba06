"""Who was in the sessions that ended, and for how long. Attendance lies at the end of its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.measure import TIME, Dimension, Measure, Parts, Unit

ATTENDED: Final = "live.attended"
WATCHED: Final = "live.watched"
SESSION: Final = "live.session"
LEFT: Final = "live.left_at"
# Students who were expected; a guest was there and was not, so a share of them cannot be above one.
THERE: Final = ("present", "late")
# Who left long before the end was there, and does not count as present.
PARTIAL: Final = "partial"
EXPECTED: Final = (*THERE, PARTIAL, "absent")
CAME: Final = (*THERE, PARTIAL, "guest")
WHERE: Final = (*TIME, Dimension.PROGRAM, Dimension.SESSION)
# A class is cut into ten equal parts; who is there in the last one stayed to the end.
LAST_TENTH: Final = "9"


def _attendance(cells: Cells) -> Parts:
    return Parts(cells.count(ATTENDED, *THERE), cells.count(ATTENDED, *EXPECTED))


def _lateness(cells: Cells) -> Parts:
    return Parts(cells.count(ATTENDED, "late"), cells.count(ATTENDED, *THERE))


def _class_time(cells: Cells) -> Parts:
    return Parts(cells.value(ATTENDED, *CAME), cells.count(ATTENDED, *CAME))


def _watched(cells: Cells) -> Parts:
    return Parts(cells.value(WATCHED))


def _sessions(cells: Cells) -> Parts:
    return Parts(cells.count(SESSION, "ended"))


def _drop_off(cells: Cells) -> Parts:
    left = cells.count(LEFT)
    return Parts(left - cells.count(LEFT, LAST_TENTH), left)


def _drop_off_by_tenth(cells: Cells) -> Mapping[str, Parts]:
    left = cells.count(LEFT)
    return {str(tenth): Parts(cells.count(LEFT, str(tenth)), left) for tenth in range(10)}


MEASURES: Final[tuple[Measure, ...]] = (
    CountedMeasure(
        name="attendance",
        title="Attendance",
        unit=Unit.RATIO,
        definition="The share of expected students who were present in the sessions that ended. "
        "Those who left long before the end were not.",
        numerator="Expected students who were present or late, added up over sessions",
        denominator="Expected students, added up over sessions",
        registers=(ATTENDED,),
        dimensions=WHERE,
        target=0.8,
        personal=True,
        formula=_attendance,
    ),
    CountedMeasure(
        name="lateness",
        title="Late arrivals",
        unit=Unit.RATIO,
        definition="The share of the expected students who were present that came late.",
        numerator="Expected students who came late, added up over sessions",
        denominator="Expected students who were present or late, added up over sessions",
        registers=(ATTENDED,),
        dimensions=WHERE,
        lower_is_better=True,
        personal=True,
        formula=_lateness,
    ),
    CountedMeasure(
        name="class_time",
        title="Time in class",
        unit=Unit.SECONDS,
        definition="How long a student stayed in a session, on average of those who came. Guests count, hosts do not.",
        numerator="Seconds that students and guests were in sessions",
        denominator="Students and guests who came, added up over sessions",
        registers=(ATTENDED,),
        dimensions=WHERE,
        personal=True,
        formula=_class_time,
    ),
    CountedMeasure(
        name="watch_time",
        title="Watch time",
        unit=Unit.SECONDS,
        definition="How long all students and guests together were in sessions, at the time when they watched.",
        numerator="Seconds that students and guests were in sessions",
        rollups=(WATCHED,),
        dimensions=WHERE,
        formula=_watched,
    ),
    CountedMeasure(
        name="sessions",
        title="Sessions held",
        unit=Unit.COUNT,
        definition="How many sessions ended.",
        numerator="Sessions that ended",
        registers=(SESSION,),
        dimensions=(*TIME, Dimension.PROGRAM),
        formula=_sessions,
    ),
    CountedMeasure(
        name="drop_off",
        title="Left early",
        unit=Unit.RATIO,
        definition="The share of viewers who left before the last tenth of a class, and did not come back.",
        numerator="Viewers who left for good before the last tenth, or in the tenth that is named",
        denominator="Viewers, added up over sessions",
        rollups=(LEFT,),
        dimensions=(*WHERE, Dimension.KIND),
        kinds="Tenth of the class, 0 to 9",
        labels={str(tenth): f"Tenth {tenth + 1}" for tenth in range(10)},
        lower_is_better=True,
        discreet=True,
        formula=_drop_off,
        by_kind=_drop_off_by_tenth,
    ),
)
