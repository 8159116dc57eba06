"""Learners, and who of them comes back. Somebody learns on a day when facts of theirs show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from modules.analytics.measures.measure import TIME, Dimension, Measure, Parts, Result, Unit
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.retention_repository import RetentionRepository
from modules.analytics.measures.zone import WEEK, Span

SOURCES: Final = ("live.watched", "programs.lesson_done", "assignments.turned_in")
# So many weeks later it is still asked who came back.
WEEKS: Final = 8
# Clocks may change within a week.
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class LearnersMeasure(Measure):
    """Nobody counts twice, so the learners of a week are fewer than those of its days, added up."""

    async def read(self, reading: Reading) -> Result:
        repository = RetentionRepository(reading.database)
        window, by = reading.query.window, reading.query.by
        total, previous = await reading.once(
            "learners", lambda: repository.both(reading.query, window.days, reading.previous.days)
        )
        groups: dict[str, int] = {}
        if reading.spans:
            numbers = await repository.learners(reading.query, [window.days_of(span) for span in reading.spans])
            groups = {span.day.isoformat(): number for span, number in zip(reading.spans, numbers, strict=True)}
        elif by is Dimension.PROGRAM:
            groups = await repository.by_program(reading.query, window.days, reading.most_rows)
        return Result(
            total={"": Parts(total)},
            previous={"": Parts(previous)},
            groups={key: {"": Parts(number)} for key, number in groups.items()},
        )


@dataclass(frozen=True, kw_only=True)
class RetentionMeasure(Measure):
    """Of the learners of a week those who learned again in a later one. Only weeks that lie in the window count."""

    async def read(self, reading: Reading) -> Result:
        weeks, earlier = reading.query.window.whole_weeks(), reading.previous.whole_weeks()
        returned = await reading.once("returned", lambda: self._returned(reading, weeks, WEEKS))
        before = await reading.once("returned before", lambda: self._returned(reading, earlier, 1))
        groups: dict[str, Parts] = {}
        if reading.query.by is Dimension.WEEK:
            groups = {week.day.isoformat(): returned[week.day][1] for week in weeks}
        elif reading.query.by is Dimension.KIND:
            over = reading.progress.as_of
            for later in range(1, WEEKS + 1):
                # A week that is not over yet would look as if nobody came back.
                known = [week for week in weeks if week.until + later * WEEK <= over]
                groups[str(later)] = _sum([returned[week.day][later] for week in known])
        return Result(
            total={"": _sum([numbers[1] for numbers in returned.values()])},
            previous={"": _sum([numbers[1] for numbers in before.values()])},
            groups={key: {"": parts} for key, parts in groups.items()},
        )

    async def _returned(self, reading: Reading, weeks: Sequence[Span], most: int) -> dict[date, dict[int, Parts]]:
        """Of each week: by how many weeks later, the learners who came back and all learners of the week."""
        if not weeks:
            return {}
        repository = RetentionRepository(reading.database)
        numbers = await repository.returned(reading.query, [week.day for week in weeks], most)
        return {
            week.day: {
                later: Parts(numbers.get((week.day, later), 0), numbers.get((week.day, 0), 0))
                for later in range(1, most + 1)
            }
            for week in weeks
        }


def _sum(parts: Sequence[Parts]) -> Parts:
    return Parts(sum(one.numerator for one in parts), sum(one.denominator or 0 for one in parts))


MEASURES: Final[tuple[Measure, ...]] = (
    LearnersMeasure(
        name="learners",
        title="Learners",
        unit=Unit.COUNT,
        definition="How many different people learned: watched a class, completed a lesson or turned something in. "
        "A day that the time cuts counts whole.",
        numerator="People who learned on at least one day",
        others=SOURCES,
        dimensions=(*TIME, Dimension.PROGRAM),
    ),
    RetentionMeasure(
        name="retention",
        title="Learners who come back",
        unit=Unit.RATIO,
        definition="Of the learners of a week: the share who learned in the next week too. Weeks begin on Monday, and "
        "those that the time cuts are left out.",
        numerator="Learners of a week who learned in the next one, or so many weeks later; added up over weeks",
        denominator="Learners of a week, added up over weeks",
        others=SOURCES,
        dimensions=(Dimension.WEEK, Dimension.KIND),
        kinds="Weeks later, 1 to 8",
        labels={str(later): f"After {later} week{'s' if later > 1 else ''}" for later in range(1, WEEKS + 1)},
        fills=False,
        lag=WEEK + HOUR,
    ),
)
