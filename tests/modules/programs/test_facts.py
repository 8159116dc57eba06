"""What the events of programs mean as figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modules.analytics.facade import Fact, FactType, Tracked
from modules.programs import facts
from modules.programs.events import (
    Enrolled,
    LessonAdded,
    LessonCompleted,
    LessonRemoved,
    PartLost,
    ProgramCompleted,
)

PUBLISHED = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
AT = PUBLISHED - timedelta(seconds=2)


def test_a_place_is_a_register_of_a_user_in_a_program() -> None:
    given = list(facts.enrolled(Enrolled("p", "ann", AT), PUBLISHED))
    assert given == [
        Fact(name="programs.enrolled", at=AT, user_id="ann", program_id="p", key="p", label="enrolled"),
        Fact(name="programs.enrolment", at=AT, user_id="ann", program_id="p", value=1),
    ]
    (lost,) = facts.lost(PartLost("p", "ann", "student"), PUBLISHED)
    assert lost == Fact(
        name="programs.enrolled", at=PUBLISHED, user_id="ann", program_id="p", key="p", label="cancelled"
    )
    assert not list(facts.lost(PartLost("p", "meera", "mentor"), PUBLISHED))


def test_an_event_without_a_time_is_of_when_it_was_published() -> None:
    events = (Enrolled("p", "ann"), ProgramCompleted("p", "ann"), LessonCompleted("p", "l", "ann"))
    for event, read in zip(events, (facts.enrolled, facts.completed, facts.lesson_done), strict=True):
        assert {fact.at for fact in read(event, PUBLISHED)} == {PUBLISHED}  # type: ignore[operator]


def test_what_was_completed() -> None:
    (done,) = facts.lesson_done(LessonCompleted("p", "l", "ann", AT), PUBLISHED)
    assert done == Fact(name="programs.lesson_done", at=AT, user_id="ann", program_id="p", key="l", value=1)
    (completed,) = facts.completed(ProgramCompleted("p", "ann", AT), PUBLISHED)
    assert completed == Fact(name="programs.completed", at=AT, user_id="ann", program_id="p", key="p", value=1)


def test_lessons_are_a_register_of_what_there_is() -> None:
    (added,) = facts.lesson_added(LessonAdded("p", "l"), PUBLISHED)
    (removed,) = facts.lesson_removed(LessonRemoved("p", "l"), PUBLISHED)
    assert (added.name, added.key, added.label) == ("programs.lesson", "l", "there")
    assert (removed.name, removed.key, removed.label) == ("programs.lesson", "l", "removed")


def test_completed_lessons_show_that_a_student_was_learning() -> None:
    types = [one for one in facts.FACTS if isinstance(one, FactType)]
    assert {name for one in types for name in one.activity} == {"programs.lesson_done"}


def test_a_look_at_the_catalogue() -> None:
    assert facts.viewed(facts.ProgramViewed("p")) == Tracked(program_id="p")
