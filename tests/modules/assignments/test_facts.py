"""What the events of assignments mean as figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modules.analytics.facade import Fact
from modules.assignments import facts
from modules.assignments.events import (
    AssignmentClosed,
    AssignmentPublished,
    AssignmentWithdrawn,
    GradeReleased,
    SubmissionReclaimed,
    SubmissionTurnedIn,
)

PUBLISHED = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
AT = PUBLISHED - timedelta(hours=2)


def summary(one: Fact) -> tuple[str, datetime, str, str, str, int]:
    assert one.program_id == "p"
    return one.name, one.at, one.user_id, one.key, one.label, one.value


def test_an_assignment_is_a_register_of_its_state() -> None:
    told = [
        *facts.published(AssignmentPublished("a", "p", "Waves", "10.00", at=AT), PUBLISHED),
        *facts.closed(AssignmentClosed("a", "p"), PUBLISHED),
        *facts.withdrawn(AssignmentWithdrawn("a", "p"), PUBLISHED),
    ]
    assert list(map(summary, told)) == [
        ("assignments.assignment", AT, "", "a", "published", 0),
        ("assignments.assignment", PUBLISHED, "", "a", "closed", 0),
        ("assignments.assignment", PUBLISHED, "", "a", "withdrawn", 0),
    ]


def test_each_student_of_a_group_has_turned_in() -> None:
    event = SubmissionTurnedIn("a", "p", "s", "t", 1, ("ann", "bo"), AT.isoformat(), days_late=2)
    assert list(map(summary, facts.turned_in(event, PUBLISHED))) == [
        ("assignments.turned_in", AT, "ann", "a", "late", 2),
        ("assignments.turned_in", AT, "bo", "a", "late", 2),
    ]
    back = SubmissionReclaimed("a", "p", "s", "t", ("ann",))
    assert list(map(summary, facts.reclaimed(back, PUBLISHED))) == [
        ("assignments.turned_in", PUBLISHED, "ann", "a", "reclaimed", 0)
    ]


def test_a_grade_is_a_share_of_the_points_and_the_first_one_tells_how_long_it_took() -> None:
    event = GradeReleased("a", "p", "s", "t", ("ann",), "7.25", "10.00", AT, PUBLISHED, True)
    assert list(map(summary, facts.graded(event, PUBLISHED))) == [
        ("assignments.graded", PUBLISHED, "ann", "s", "", 7250),
        ("assignments.first_grade", PUBLISHED, "ann", "s", "", 7200),
    ]
    again = GradeReleased("a", "p", "s", "t", ("ann",), "8.00", "10.00", AT, PUBLISHED, False)
    assert [one.name for one in facts.graded(again, PUBLISHED)] == ["assignments.graded"]
    worth_nothing = GradeReleased("a", "p", "s", "t", ("ann",), "0.00", "0.00", AT, PUBLISHED, True)
    assert [one.name for one in facts.graded(worth_nothing, PUBLISHED)] == ["assignments.first_grade"]
