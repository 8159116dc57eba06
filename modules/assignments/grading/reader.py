"""Grades for the packages below and above: what students see, and what a grade book counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

import msgspec

from gateway import clock
from gateway.contract import Database
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.decimals import rounded
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.messages import GradeVersion
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.records import Work, policy_of
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubric import Rubric
from modules.assignments.grading.rubric_repository import RubricRepository
from modules.assignments.grading.score import deduction, score
from modules.assignments.records import Assignment
from modules.assignments.submissions.hooks import ReleasedCriterion, ReleasedGrade


class GradeFact(msgspec.Struct, frozen=True):
    """What one student's work counts, by the version that was asked for. `points_given` are before lateness.

    `released` says whether the student sees a grade of this attempt now.
    """

    assignment_id: str
    user_id: str
    attempt_id: str
    points_given: Decimal
    days_late: int
    score: Decimal
    released: bool


class GradeReader:
    """What a grade book counts: of each assignment the attempt that counts, for all whose work it is."""

    def __init__(self, grades: GradeRepository, lateness: Lateness) -> None:
        self._grades = grades
        self._lateness = lateness

    async def of(
        self,
        assignments: Collection[Assignment],
        now: datetime,
        *,
        released_only: bool,
        user_ids: Collection[str] | None = None,
    ) -> list[GradeFact]:
        """The grades of these assignments, of these users or of all, in no order.

        With `released_only` they are the versions that students see. Without it they are the latest, for those who
        teach; drafts without points are left out. The caller names no assignment whose people the reader may not know.
        Raises Unavailable.
        """
        by_id = {one.id: one for one in assignments}
        works = await self._grades.of_assignments(by_id, user_ids)
        owners = await self._lateness.owners(works)
        wanted = None if user_ids is None else set(user_ids)
        shown = {
            work.attempt_id: version
            for work in works
            if (version := _version(work, by_id[work.assignment_id], now, released_only)) is not None
        }
        works = [work for work in works if work.attempt_id in shown]
        points = await self._grades.points(list(shown.items()))
        late = await self._lateness.of(by_id, works)
        facts: list[GradeFact] = []
        for work in works:
            given = points[work.attempt_id, shown[work.attempt_id]]
            if given is None:
                continue
            assignment = by_id[work.assignment_id]
            days = late[work.attempt_id]
            left = score(given, days, assignment.late)
            released = work.visible(policy_of(assignment), now) is not None
            facts += [
                GradeFact(work.assignment_id, user, work.attempt_id, given, days, left, released)
                for user in owners[work.attempt_id]
                if wanted is None or user in wanted
            ]
        return await self._one_each(facts, works)

    async def _one_each(self, facts: list[GradeFact], works: Collection[Work]) -> list[GradeFact]:
        """One grade for each student and assignment.

        Who has worked alone and in a group, or in two, has that of the group that they are in now, and else that of
        what was turned in last.
        """
        found: dict[tuple[str, str], list[GradeFact]] = defaultdict(list)
        for fact in facts:
            found[fact.assignment_id, fact.user_id].append(fact)
        if len(found) == len(facts):
            return facts
        by_id = {work.attempt_id: work for work in works}
        groups = await self._lateness.groups(works)

        def rank(fact: GradeFact) -> tuple[bool, datetime, str]:
            work = by_id[fact.attempt_id]
            return fact.user_id in groups.get(work.group_id or "", ()), work.counted_at, work.attempt_id

        return [max(same, key=rank) for same in found.values()]


class GradingAnswers:
    """What submissions asks of grading (`submissions/hooks.py`). Each call raises Unavailable."""

    def __init__(
        self,
        database: Database,
        assignments: AssignmentRepository,
        grades: GradeRepository,
        lateness: Lateness,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._assignments = assignments
        self._grades = grades
        self._rubrics = RubricRepository(database)
        self._lateness = lateness
        self._pseudonyms = pseudonyms

    async def grading_begun(self, attempt_id: str) -> bool:
        """Whether a marker has saved anything of it, a draft at least, or its students see a grade of it.

        A student who reclaims is told that much.
        """
        return await self._grades.begun(attempt_id) or bool(await self.released([attempt_id], clock.now()))

    async def released(self, attempt_ids: Collection[str], now: datetime) -> dict[str, ReleasedGrade]:
        """The grades that students see, by attempt."""
        works = await self._grades.works(attempt_ids)
        assignments = await self._assignments.some({work.assignment_id for work in works.values()})
        shown = {
            work.attempt_id: version
            for work in works.values()
            if (version := work.visible(policy_of(assignments[work.assignment_id]), now)) is not None
        }
        if not shown:
            return {}
        versions = await self._grades.versions(list(shown.items()))
        rubrics = await self._rubrics.some(list(assignments))
        seen = [works[id] for id in shown]
        late = await self._lateness.of(assignments, seen)
        return {
            work.attempt_id: _released(
                work,
                versions[work.attempt_id, shown[work.attempt_id]],
                assignments[work.assignment_id],
                rubrics[work.assignment_id],
                late[work.attempt_id],
                now,
            )
            for work in seen
        }

    async def graded(self, attempt_ids: Collection[str]) -> set[str]:
        return await self._grades.final_among(attempt_ids)

    async def hides_people(self, assignment: Assignment, now: datetime) -> bool:
        return await self._pseudonyms.hides_people(assignment, now)

    async def pseudonyms(self, assignment: Assignment, submission_ids: Collection[str]) -> dict[str, str]:
        return await self._pseudonyms.of(submission_ids)


def _version(work: Work, assignment: Assignment, now: datetime, released_only: bool) -> int | None:
    return work.visible(policy_of(assignment), now) if released_only else work.version


def _released(
    work: Work, version: GradeVersion, assignment: Assignment, rubric: Rubric, days: int, now: datetime
) -> ReleasedGrade:
    given = version.points if version.points is not None else rounded(Decimal(0))
    criteria: list[ReleasedCriterion] = []
    for mark in version.criteria:
        criterion = rubric.criterion(mark.criterion_id)
        level = None if criterion is None or mark.level_id is None else criterion.level(mark.level_id)
        title = "" if criterion is None else criterion.title
        said = None if level is None else level.title
        criteria.append(ReleasedCriterion(mark.criterion_id, title, said, mark.points, mark.comment))
    return ReleasedGrade(
        points=version.points,
        score=score(given, days, assignment.late),
        days_late=days,
        deduction=deduction(given, days, assignment.late),
        comment=version.comment,
        criteria=tuple(criteria),
        released_at=work.seen_from(policy_of(assignment), now) or now,
    )
