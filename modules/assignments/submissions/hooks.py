"""What submissions asks of the packages above it. The module hands them in; what nobody handed in answers nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from gateway.principal import Principal
from modules.assignments.records import Assignment
from modules.assignments.submissions.records import Attempt, Submission


class ReleasedCriterion(msgspec.Struct, frozen=True):
    """What a marker gave for one criterion of the rubric."""

    id: str
    title: str
    level: str | None
    points: Decimal | None
    comment: str


class ReleasedGrade(msgspec.Struct, frozen=True):
    """The grade of an attempt as its students may see it. `score` is after lateness, rounded once."""

    points: Decimal | None
    score: Decimal | None
    days_late: int
    deduction: Decimal
    comment: str
    criteria: tuple[ReleasedCriterion, ...]
    released_at: datetime


class TurnedInHook(Protocol):
    async def on_turned_in(self, assignment: Assignment, submission: Submission, attempt: Attempt) -> None:
        """Called in the transaction that has written the attempt; what it raises undoes the turn-in."""


class Grading(Protocol):
    """What submissions must know of grades."""

    async def grading_begun(self, attempt_id: str) -> bool:
        """Whether the attempt may not be reclaimed any more; asked in the transaction that would reclaim it."""

    async def released(self, attempt_ids: Collection[str], now: datetime) -> dict[str, ReleasedGrade]:
        """The grades that students see, by attempt. Grades that are not released are left out."""

    async def graded(self, attempt_ids: Collection[str]) -> set[str]:
        """Those of these attempts that have a final grade, whether it is released or not. For staff."""

    async def hides_people(self, assignment: Assignment, now: datetime) -> bool:
        """Whether markers may not know whose work it is: it is anonymous, and its grades are not released."""

    async def pseudonyms(self, assignment: Assignment, submission_ids: Collection[str]) -> dict[str, str]:
        """The name by which markers know each of these submissions."""


class PeerReaders(Protocol):
    """What submissions must know of reviews by other students."""

    async def may_read(self, principal: Principal, attempt_id: str) -> bool:
        """Whether the user reviews this attempt of another student."""

    async def review_begun(self, attempt_id: str) -> bool:
        """Whether somebody has begun to review it, so that it may not be reclaimed any more."""
