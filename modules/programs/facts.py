"""What the events of programs mean as figures, the events of its screens, and what its rows say of both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Final

import msgspec

from modules.analytics.facade import ClientEventType, Fact, FactType, SourceCount, SourceEvents, Tracked
from modules.programs.events import (
    Enrolled,
    LessonAdded,
    LessonCompleted,
    LessonRemoved,
    PartLost,
    ProgramCompleted,
)
from modules.programs.fact_rows import completed_rows, lesson_done_rows, source_events


def enrolled(event: Enrolled, published: datetime) -> Iterable[Fact]:
    fact = partial(Fact, at=event.at or published, user_id=event.user_id, program_id=event.program_id)
    yield fact(name="programs.enrolled", key=event.program_id, label="enrolled")
    yield fact(name="programs.enrolment", value=1)


def lost(event: PartLost, published: datetime) -> Iterable[Fact]:
    """A place that is given back. One on the waiting list was none."""
    if event.part == "student":
        yield Fact(
            name="programs.enrolled",
            at=published,
            user_id=event.user_id,
            program_id=event.program_id,
            key=event.program_id,
            label="cancelled",
        )


def completed(event: ProgramCompleted, published: datetime) -> Iterable[Fact]:
    yield Fact(
        name="programs.completed",
        at=event.at or published,
        user_id=event.user_id,
        program_id=event.program_id,
        key=event.program_id,
        value=1,
    )


def lesson_done(event: LessonCompleted, published: datetime) -> Iterable[Fact]:
    yield Fact(
        name="programs.lesson_done",
        at=event.at or published,
        user_id=event.user_id,
        program_id=event.program_id,
        key=event.lesson_id,
        value=1,
    )


def lesson_added(event: LessonAdded, published: datetime) -> Iterable[Fact]:
    yield _lesson(event, published, "there")


def lesson_removed(event: LessonRemoved, published: datetime) -> Iterable[Fact]:
    yield _lesson(event, published, "removed")


def _lesson(event: LessonAdded | LessonRemoved, at: datetime, label: str) -> Fact:
    return Fact(name="programs.lesson", at=at, program_id=event.program_id, key=event.lesson_id, label=label)


class ProgramViewed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`catalogue.program_viewed`: somebody looked at a program in the catalogue."""

    program_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


def viewed(event: ProgramViewed) -> Tracked:
    return Tracked(program_id=event.program_id)


FACTS: Final = (
    FactType(
        event=Enrolled,
        facts=enrolled,
        names=("programs.enrolled", "programs.enrolment"),
        registers=("programs.enrolled",),
    ),
    FactType(event=PartLost, facts=lost, names=("programs.enrolled",), registers=("programs.enrolled",)),
    FactType(event=ProgramCompleted, facts=completed, names=("programs.completed",), registers=("programs.completed",)),
    FactType(
        event=LessonCompleted,
        facts=lesson_done,
        names=("programs.lesson_done",),
        registers=("programs.lesson_done",),
        activity=("programs.lesson_done",),
    ),
    FactType(event=LessonAdded, facts=lesson_added, names=("programs.lesson",), registers=("programs.lesson",)),
    FactType(event=LessonRemoved, facts=lesson_removed, names=("programs.lesson",), registers=("programs.lesson",)),
    ClientEventType(name="catalogue.program_viewed", properties=ProgramViewed, tracked=viewed),
    SourceCount(name="programs.lesson_done", count=lesson_done_rows, shrinks=True),
    SourceCount(name="programs.completed", count=completed_rows, shrinks=True),
    SourceEvents(read=source_events),
)
