"""The days, weeks and months of the platform's time zone. No other code of analytics turns a moment into a day.

Statements get the boundaries of days from here, as times in UTC. PostgreSQL and Python may have different editions of
the time zone database, and would put the same event into different days.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


class Step(enum.StrEnum):
    """How long one point of a trend is. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Span(msgspec.Struct, frozen=True):
    """A day, week or month: its first day, and its moments in UTC from `since` until before `until`."""

    day: date
    since: datetime
    until: datetime


class Zone:
    """Turns moments into days of one time zone, and back.

    A day begins at its first moment: where clocks jump over midnight, that is the moment of the jump. So a day has 23,
    24 or 25 hours, there is each day once, and every moment lies in exactly one. Raises ValueError for an unknown name.
    """

    def __init__(self, name: str) -> None:
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone") from error
        self.name = name

    def day_of(self, at: datetime) -> date:
        """The day in which a moment lies."""
        return at.astimezone(self._zone).date()

    def days_of(self, moments: Iterable[datetime]) -> list[Span]:
        """The whole days in which these moments lie, in order."""
        return [self.span_of(day, Step.DAY) for day in sorted({self.day_of(at) for at in moments})]

    def begin(self, day: date) -> datetime:
        """The first moment of a day, in UTC."""
        # `fold` is 0: of a midnight that comes twice the first, and of one that is skipped the moment of the jump.
        return datetime.combine(day, time.min, self._zone).astimezone(UTC)

    def first_day(self, day: date, step: Step) -> date:
        """The first day of the week or month in which a day lies; of a day itself."""
        if step is Step.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if step is Step.MONTH else day

    def span_of(self, day: date, step: Step) -> Span:
        """The whole day, week or month in which a day lies."""
        first = self.first_day(day, step)
        return Span(first, self.begin(first), self.begin(next_day(first, step)))

    def spans(self, since: datetime, until: datetime, step: Step) -> Iterator[Span]:
        """The days, weeks or months of a time, in order. The first and the last are cut to it."""
        day = self.first_day(self.day_of(since), step)
        while (begin := self.begin(day)) < until:
            following = next_day(day, step)
            yield Span(day, max(begin, since), min(self.begin(following), until))
            day = following


def next_day(first: date, step: Step) -> date:
    """The first day after the day, week or month that begins with `first`."""
    if step is Step.MONTH:
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + (WEEK if step is Step.WEEK else DAY)
