"""What the events of assignments mean as figures, and what its rows say of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from modules.analytics.facade import Fact, FactType, SourceCount, SourceEvents
from modules.assignments.events import (
    AssignmentClosed,
    AssignmentPublished,
    AssignmentWithdrawn,
    GradeReleased,
    SubmissionReclaimed,
    SubmissionTurnedIn,
)
from modules.assignments.fact_rows import source_events, turned_in_rows

BASIS_POINTS: Final = 10_000


def published(event: AssignmentPublished, at: datetime) -> Iterable[Fact]:
    yield _assignment(event, event.at or at, "published")


def closed(event: AssignmentClosed, at: datetime) -> Iterable[Fact]:
    yield _assignment(event, at, "closed")


def withdrawn(event: AssignmentWithdrawn, at: datetime) -> Iterable[Fact]:
    yield _assignment(event, at, "withdrawn")


def _assignment(event: AssignmentPublished | AssignmentClosed | AssignmentWithdrawn, at: datetime, label: str) -> Fact:
    return Fact(name="assignments.assignment", at=at, program_id=event.program_id, key=event.assignment_id, label=label)


def turned_in(event: SubmissionTurnedIn, at: datetime) -> Iterable[Fact]:
    """One for each student of a group. Lateness is what it was then: an extension may heal it later."""
    for user in event.user_ids:
        yield Fact(
            name="assignments.turned_in",
            at=datetime.fromisoformat(event.turned_in_at),
            user_id=user,
            program_id=event.program_id,
            key=event.assignment_id,
            label="late" if event.days_late else "on_time",
            value=event.days_late,
        )


def reclaimed(event: SubmissionReclaimed, at: datetime) -> Iterable[Fact]:
    for user in event.user_ids:
        yield Fact(
            name="assignments.turned_in",
            at=at,
            user_id=user,
            program_id=event.program_id,
            key=event.assignment_id,
            label="reclaimed",
        )


def graded(event: GradeReleased, at: datetime) -> Iterable[Fact]:
    """The score as a share of the points; one of an assignment without points has none."""
    points = Decimal(event.points)
    share = round(Decimal(event.score) / points * BASIS_POINTS) if points else 0
    for user in event.user_ids:
        fact = partial(Fact, at=event.at or at, user_id=user, program_id=event.program_id)
        if points:
            yield fact(name="assignments.graded", key=event.submission_id, value=share)
        if event.first and event.counted_at is not None and event.at is not None:
            waited = round((event.at - event.counted_at).total_seconds())
            yield fact(name="assignments.first_grade", key=event.submission_id, value=max(0, waited))


FACTS: Final = (
    *(
        FactType(
            event=event,
            facts=facts,
            names=("assignments.assignment",),
            registers=("assignments.assignment",),
        )
        for event, facts in (
            (AssignmentPublished, published),
            (AssignmentClosed, closed),
            (AssignmentWithdrawn, withdrawn),
        )
    ),
    FactType(
        event=SubmissionTurnedIn,
        facts=turned_in,
        names=("assignments.turned_in",),
        registers=("assignments.turned_in",),
        activity=("assignments.turned_in",),
    ),
    FactType(
        event=SubmissionReclaimed,
        facts=reclaimed,
        names=("assignments.turned_in",),
        registers=("assignments.turned_in",),
    ),
    FactType(
        event=GradeReleased,
        facts=graded,
        names=("assignments.graded", "assignments.first_grade"),
        registers=("assignments.graded",),
    ),
    SourceCount(name="assignments.turned_in", count=turned_in_rows, labels=("on_time", "late")),
    SourceEvents(read=source_events),
)
