"""What students read of their own work: the submission, and each attempt of it."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.submissions.drafts import Drafts
from modules.assignments.submissions.hooks import Grading
from modules.assignments.submissions.messages import AttemptView, SubmissionView
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.turn_in import attempt_holder
from modules.assignments.submissions.views import StudentViews, attempt_view, shown_files
from modules.files import facade as files


class OwnWork:
    """Each call raises BadInput `not_found`, Refused `forbidden` for those who teach, and Unavailable."""

    def __init__(
        self,
        kernel: Kernel,
        rows: SubmissionRepository,
        dates: EffectiveDateReader,
        drafts: Drafts,
        views: StudentViews,
        grading: Grading,
    ) -> None:
        self._kernel = kernel
        self._rows = rows
        self._dates = dates
        self._drafts = drafts
        self._views = views
        self._grading = grading

    async def submission(self, principal: Principal, assignment_id: str) -> SubmissionView:
        assignment, authors = await self._drafts.own(principal, assignment_id)
        submission, authors = await self._views.own(assignment, authors, principal.id)
        return (await self._views.of(assignment, submission, authors, [principal.id]))[principal.id]

    async def attempt(self, principal: Principal, assignment_id: str, number: int) -> AttemptView:
        """One attempt, whole."""
        assignment, authors = await self._drafts.own(principal, assignment_id)
        submission, authors = await self._views.own(assignment, authors, principal.id)
        attempt = None if submission is None else await self._rows.attempt_numbered(submission.id, number)
        if attempt is None or principal.id not in {*authors.members, *attempt.members}:
            raise not_found("there is no such attempt")
        terms = (await self._dates.terms(assignment, [principal.id]))[principal.id]
        grades = await self._grading.released([attempt.id], clock.now())
        shown = await shown_files(files.of(self._kernel), attempt_holder(attempt.id))
        return attempt_view(attempt, terms, shown, grades.get(attempt.id))
