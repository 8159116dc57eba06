"""Grades as those who teach see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from gateway.contract import Database
from gateway.principal import FORGOTTEN
from modules.accounts.facade import names_of
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.messages import GradeView, Marking
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.records import Work, policy_of
from modules.assignments.grading.repository import GradeRepository, latest_of
from modules.assignments.grading.score import score
from modules.assignments.records import Assignment


class GradeViews:
    """Each call raises Unavailable."""

    def __init__(self, database: Database, grades: GradeRepository, lateness: Lateness, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._grades = grades
        self._lateness = lateness
        self._pseudonyms = pseudonyms

    async def grade(self, assignment: Assignment, work: Work, now: datetime) -> GradeView:
        labels = await self.labels(assignment, [work], now)
        late = (await self._lateness.of({assignment.id: assignment}, [work]))[work.attempt_id]
        latest = (await self._grades.versions(latest_of([work]))).get((work.attempt_id, work.version))
        return GradeView(
            assignment_id=assignment.id,
            submission_id=work.submission_id,
            attempt_id=work.attempt_id,
            label=labels[work.submission_id],
            days_late=late,
            latest=latest,
            score=_score(None if latest is None else latest.points, late, assignment),
            released_version=work.visible(policy_of(assignment), now),
            released_at=work.seen_from(policy_of(assignment), now),
            rev=work.rev,
        )

    async def markings(
        self, assignment: Assignment, works: Sequence[Work], markers: dict[str, str], now: datetime
    ) -> list[Marking]:
        """In the order of the labels; `markers` are those of the submissions that have one."""
        policy = policy_of(assignment)
        labels = await self.labels(assignment, works, now)
        late = await self._lateness.of({assignment.id: assignment}, works)
        points = await self._grades.points(latest_of(works))
        found = [
            Marking(
                submission_id=work.submission_id,
                attempt_id=work.attempt_id,
                label=labels[work.submission_id],
                marker_id=markers.get(work.submission_id),
                days_late=late[work.attempt_id],
                state=work.state,
                points=points.get((work.attempt_id, work.version)),
                score=_score(points.get((work.attempt_id, work.version)), late[work.attempt_id], assignment),
                released=work.visible(policy, now) is not None,
            )
            for work in works
        ]
        return sorted(found, key=lambda one: (one.label, one.submission_id))

    async def labels(self, assignment: Assignment, works: Sequence[Work], now: datetime) -> dict[str, str]:
        """By what markers know each submission: its pseudonym, or the names of those whose work it is."""
        if await self._pseudonyms.hides_people(assignment, now):
            return await self._pseudonyms.of([work.submission_id for work in works])
        owners = await self._lateness.owners(works)
        names = await names_of(self._database, sorted({user for users in owners.values() for user in users}))
        return {
            work.submission_id: ", ".join(names.get(user, FORGOTTEN) for user in owners[work.attempt_id])
            for work in works
        }


def _score(points: Decimal | None, late: int, assignment: Assignment) -> Decimal | None:
    return None if points is None else score(points, late, assignment.late)
