"""Which version a student sees: nothing before a release, and nothing but what was released after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modules.assignments.grading.visibility import GradeState, ReleasePolicy, visible_version
from modules.assignments.records import Release

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOGETHER = ReleasePolicy(Release.TOGETHER)


def at(minutes: int) -> ReleasePolicy:
    return ReleasePolicy(Release.AT_TIME, NOW + timedelta(minutes=minutes))


def test_what_is_not_released_is_not_seen() -> None:
    for policy in (TOGETHER, ReleasePolicy(Release.AT_ONCE), at(1), ReleasePolicy(Release.AT_TIME)):
        for state in GradeState:
            assert visible_version(state, 1, None, policy, NOW) is None
            assert visible_version(state, 2, 1, policy, NOW) == 1


def test_from_its_time_on_what_is_final_is_seen_though_the_timer_is_late() -> None:
    assert visible_version(GradeState.FINAL, 2, None, at(0), NOW) == 2
    assert visible_version(GradeState.FINAL, 2, 1, at(-1), NOW) == 2


def test_a_draft_is_never_seen() -> None:
    assert visible_version(GradeState.DRAFT, 2, None, at(-1), NOW) is None
    assert visible_version(GradeState.DRAFT, 2, 1, at(-1), NOW) == 1
