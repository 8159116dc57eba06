"""Shows final grades to students, as the assignment's policy says.

A release is written in one transaction: the version that is seen, the state of the submission, and `GradeReleased` for
each. The pushes follow from those events. With a release at a time the clock shows the grades (`visibility.py`), and
the timer writes it down; what is written in between does so first.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.events import GradeReleased
from modules.assignments.grading import metrics
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.messages import NewRelease, Released
from modules.assignments.grading.records import policy_of
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.score import score
from modules.assignments.records import Assignment, Release
from modules.assignments.submissions.repository import SubmissionRepository

DUE: Final = "assignments.release_due"
RETRY_AFTER: Final = timedelta(seconds=0.5)


class ReleaseTimer(msgspec.Struct, frozen=True):
    """What the timer `assignments.release_due` carries."""

    assignment_id: str


class Releases:
    """Each call raises Unavailable."""

    def __init__(
        self,
        kernel: Kernel,
        access: AssignmentAccess,
        assignments: AssignmentRepository,
        submissions: SubmissionRepository,
        grades: GradeRepository,
        lateness: Lateness,
    ) -> None:
        self._kernel = kernel
        self._access = access
        self._assignments = assignments
        self._submissions = submissions
        self._grades = grades
        self._lateness = lateness

    async def release(self, principal: Principal, assignment_id: str, new: NewRelease) -> Released:
        """Show what is final, whatever the policy says of when. Raises Refused `forbidden`, BadInput `not_found`."""
        async with self._kernel.database.transaction():
            # Nobody saves a grade meanwhile: those of a class are seen together.
            assignment = await self._access.lock(principal, assignment_id)
            wanted = None
            if new.submission_ids is not None:
                wanted = await self._grades.counting(assignment_id, new.submission_ids)
            released = await self.write(assignment, wanted)
            details = {"grades": len(released)}
            await record(self._kernel.database, principal, "assignments.release", assignment_id, details)
        return Released(len(released))

    async def write(self, assignment: Assignment, attempt_ids: Collection[str] | None) -> list[str]:
        """Release the final grades of these attempts, or of all, in the transaction around it; those it concerns."""
        now, known = clock.now(), await self._grades.released(assignment.id)
        released = await self._grades.release(assignment.id, attempt_ids, now)
        if not released:
            return released
        await self._submissions.return_of(released)
        works = await self._grades.works(released)
        owners = await self._lateness.owners(list(works.values()))
        late = await self._lateness.of({assignment.id: assignment}, list(works.values()))
        points = await self._grades.points([(work.attempt_id, work.version) for work in works.values()])
        for work in sorted(works.values(), key=lambda one: one.attempt_id):
            given = points[work.attempt_id, work.version]
            await self._kernel.events.publish(
                GradeReleased(
                    assignment.id,
                    assignment.program_id,
                    work.submission_id,
                    work.attempt_id,
                    tuple(owners[work.attempt_id]),
                    str(score(given, late[work.attempt_id], assignment.late)),
                    str(assignment.points),
                    work.counted_at,
                    now,
                    work.submission_id not in known,
                )
            )
        metrics.released.inc(len(released))
        return released

    async def saved_final(self, assignment: Assignment, attempt_id: str) -> None:
        """Do with a final grade, which this transaction has written, what the policy says."""
        if assignment.release is Release.AT_ONCE or policy_of(assignment).due(clock.now()):
            await self.write(assignment, [attempt_id])
        else:
            await self._set_timer(assignment)

    async def changed(self, before: Assignment, after: Assignment) -> None:
        """Called in the transaction that changes an assignment, whose row is locked."""
        old, new = policy_of(before), policy_of(after)
        if old == new:
            return
        # What students see by the clock stays seen, whatever the time is moved to.
        if old.due(clock.now()) or new.due(clock.now()) or new.release is Release.AT_ONCE:
            await self.write(after, None)
        await self._set_timer(after)

    @timer(DUE)
    async def due(self, timer: ReleaseTimer, delivery: Delivery) -> None:
        if await self._assignments.find(timer.assignment_id) is None:
            return
        # Who saves a grade sets this timer, which is locked here: to wait for their lock would be a deadlock.
        assignment = await self._assignments.lock_unless_locked(timer.assignment_id)
        if assignment is None:
            await self._kernel.schedules.at(DUE, timer.assignment_id, clock.now() + RETRY_AFTER, timer)
            return
        if policy_of(assignment).due(clock.now()):
            await self.write(assignment, None)
        else:
            # The time was moved.
            await self._set_timer(assignment)

    async def _set_timer(self, assignment: Assignment) -> None:
        at = policy_of(assignment).release_at
        if assignment.release is Release.AT_TIME and at is not None:
            await self._kernel.schedules.at(DUE, assignment.id, at, ReleaseTimer(assignment.id))
