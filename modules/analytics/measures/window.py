"""The time that a figure is about: from a moment until before another one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from gateway.errors import invalid
from modules.analytics.measures.zone import DAY, Span, Step, Zone, next_day

IS_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Facts are counted in buckets of this length.
BUCKET: Final = timedelta(minutes=15)
MOMENT: Final = timedelta(microseconds=1)
# No fact is of before or after. So no boundary of a day, a month or the window before lies where there are no dates.
EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
# How many days a window has where nothing says so. Four whole weeks: each day of the week counts equally often.
USUAL_DAYS: Final = 28


@dataclass(frozen=True)
class Window:
    """From `since` until before `until`, both in UTC, in the days of a zone."""

    since: datetime
    until: datetime
    zone: Zone

    @property
    def key(self) -> str:
        """Names the window in the keys of caches."""
        return f"{self.since.isoformat()}/{self.until.isoformat()}/{self.zone.name}"

    def spans(self, step: Step) -> list[Span]:
        """The days, weeks or months of the window, in order. The first and the last are cut to it."""
        return list(self.zone.spans(self.since, self.until, step))

    def steps(self, step: Step) -> int:
        """How many days, weeks or months these are, at most; without making them."""
        return (self.until - self.since) // (DAY * {Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 28}[step]) + 2

    @property
    def days(self) -> tuple[date, date]:
        """The first day that it touches, and the day after the last one."""
        return self.zone.day_of(self.since), self.zone.day_of(self.until - MOMENT) + DAY

    def days_of(self, span: Span) -> tuple[date, date]:
        """The same of a part of it."""
        return Window(span.since, span.until, self.zone).days

    def whole_weeks(self) -> list[Span]:
        """The weeks that lie in it from their first moment to their last."""
        weeks = (self.zone.span_of(span.day, Step.WEEK) for span in self.spans(Step.WEEK))
        return [week for week in weeks if week.since >= self.since and week.until <= self.until]

    def before(self) -> Window:
        """The window of the same length just before this one: of as many days, where it has whole days."""
        first, last = self.zone.day_of(self.since), self.zone.day_of(self.until)
        if self.since == self.zone.begin(first) and self.until == self.zone.begin(last):
            return Window(self.zone.begin(first - (last - first)), self.since, self.zone)
        return Window(self.since - (self.until - self.since), self.since, self.zone)


class Windows:
    """Makes the windows that callers ask for. None is longer than `most_days`."""

    def __init__(self, zone: Zone, most_days: int) -> None:
        self.zone = zone
        self._most = timedelta(days=most_days, hours=1)
        self._most_days = most_days

    def last(self, days: int, now: datetime) -> Window:
        """The last so many days, today included, until the end of today."""
        today = self.zone.day_of(now)
        return self.between(self.zone.begin(today - DAY * (days - 1)), self.zone.begin(next_day(today, Step.DAY)))

    def recent(self, count: int, step: Step, now: datetime) -> Window:
        """The last so many days, weeks or months, the running one included, until the end of today.

        Raises BadInput `invalid` where that is too long.
        """
        today = self.zone.day_of(now)
        first = self.zone.first_day(today, step)
        for _ in range(count - 1):
            first = self.zone.first_day(first - DAY, step)
        return self.between(self.zone.begin(first), self.zone.begin(next_day(today, Step.DAY)))

    def between(self, since: datetime, until: datetime) -> Window:
        """Raises BadInput `invalid` where `until` is not after `since`, or the window is too long, or out of time."""
        if since < EARLIEST or until > LATEST:
            field = "from" if since < EARLIEST else "until"
            raise invalid(f"a window lies between {EARLIEST.year} and {LATEST.year}", field=field)
        if until <= since:
            raise invalid("the window ends before it begins", field="until")
        if until - since > self._most:
            raise invalid(f"a window has at most {self._most_days} days", field="from")
        return Window(since, until, self.zone)

    def asked(self, since: str | None, until: str | None, now: datetime) -> Window:
        """The window of a request: a date means the beginning of that day, so that `until` itself does not count.

        Without `until` it goes to the end of today, without `since` it has 28 days. Raises BadInput `invalid`.
        """
        end = self._moment(until, "until") or self.zone.begin(next_day(self.zone.day_of(now), Step.DAY))
        begin = self._moment(since, "from")
        if begin is None:
            begin = self.zone.begin(self.zone.day_of(end - MOMENT) - DAY * (USUAL_DAYS - 1))
        return self.between(begin, end)

    def _moment(self, text: str | None, field: str) -> datetime | None:
        if text is None:
            return None
        try:
            if IS_DAY.fullmatch(text):
                return self.zone.begin(date.fromisoformat(text))
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid("there is no such time", field=field) from None
