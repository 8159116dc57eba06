"""The row of a peer review, and what it says of itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from modules.assignments.grading.messages import CriterionMark
from modules.assignments.peer_review.messages import ReviewState


class Review(msgspec.Struct, frozen=True):
    """A review that somebody writes of an attempt."""

    id: str
    assignment_id: str
    submission_id: str
    attempt_id: str
    reviewer_id: str
    points: Decimal | None
    comment: str
    criteria: tuple[CriterionMark, ...]
    begun_at: datetime | None
    done_at: datetime | None
    rev: int

    @property
    def state(self) -> ReviewState:
        if self.done_at is not None:
            return ReviewState.DONE
        return ReviewState.TO_DO if self.begun_at is None else ReviewState.BEGUN


class TurnedIn(msgspec.Struct, frozen=True):
    """A submission that was turned in. `owners` are those whose work it is now, and was when it was turned in."""

    id: str
    attempt_id: str
    owners: tuple[str, ...]
