"""When a student falls behind, and why. Pure: counts in, reasons out.

A reason needs enough to judge by: one class that was missed says nothing. Each has its numerator and denominator, and
the least share at which it would not be a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import msgspec

from modules.analytics.at_risk.messages import Reason, ReasonName
from modules.analytics.at_risk.settings import RiskSettings


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What facts say of one student in a program.

    `sessions` are classes of the window in which they were expected, `due` its assignments that closed while they had a
    place. `lessons` and `lessons_done` are of the whole program.
    """

    user_id: str
    enrolled_at: datetime
    sessions: int
    attended: int
    due: int
    turned_in: int
    lessons: int
    lessons_done: int


# Days in the program before the lessons of a student are judged: they have just begun.
DAY: Final = timedelta(days=1)


class Rules:
    """The rules of one program at one moment. `students` are all who have a place in it."""

    def __init__(self, settings: RiskSettings, students: Sequence[Standing], now: datetime) -> None:
        self._settings = settings
        self._settled_before = now - settings.risk_settled_days * DAY
        self._median = median([one.lessons_done for one in students]) if students else 0.0

    def reasons(self, student: Standing) -> list[Reason]:
        """Why the student falls behind; empty for who does not."""
        return [*self._attendance(student), *self._submissions(student), *self._lessons(student)]

    def _attendance(self, student: Standing) -> Iterable[Reason]:
        settings = self._settings
        if student.sessions >= settings.risk_sessions:
            yield from _below("attendance", student.attended, student.sessions, settings.risk_attendance)

    def _submissions(self, student: Standing) -> Iterable[Reason]:
        settings = self._settings
        if student.due >= settings.risk_assignments:
            yield from _below("submissions", student.turned_in, student.due, settings.risk_submissions)

    def _lessons(self, student: Standing) -> Iterable[Reason]:
        settings = self._settings
        if self._median >= settings.risk_lessons_least and student.enrolled_at <= self._settled_before:
            least = settings.risk_lessons * self._median / student.lessons if student.lessons else 0.0
            yield from _below("lessons", student.lessons_done, student.lessons, least)


def severity(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Sorts who has most reasons first, and among them who is furthest below."""
    furthest = min(one.value / one.least for one in reasons)
    return (f"{9 - len(reasons)}", f"{furthest:.6f}")


def _below(name: ReasonName, numerator: int, denominator: int, least: float) -> Iterable[Reason]:
    if denominator and numerator < least * denominator:
        yield Reason(name, numerator, denominator, round(numerator / denominator, 4), round(least, 4))
