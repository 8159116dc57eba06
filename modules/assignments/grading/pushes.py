"""Tells students of their grades: pushes them the submission as they see it."""

from __future__ import annotations

from gateway.contract import Delivery, Kernel, listener
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.events import GradeReleased
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.views import StudentViews


class ReleasePushes:
    """The whole view is read when the event is handled, so it holds what students may see at that moment."""

    def __init__(
        self,
        kernel: Kernel,
        assignments: AssignmentRepository,
        submissions: SubmissionRepository,
        views: StudentViews,
    ) -> None:
        self._kernel = kernel
        self._assignments = assignments
        self._submissions = submissions
        self._views = views

    @listener(GradeReleased, "assignments.push_grade")
    async def released(self, event: GradeReleased, delivery: Delivery) -> None:
        # Locked, so that pushes of one submission are published in the order of its revisions.
        submission = await self._submissions.lock(event.submission_id)
        assignment = await self._assignments.find(event.assignment_id)
        if submission is not None and assignment is not None:
            await self._views.push(assignment, submission)
