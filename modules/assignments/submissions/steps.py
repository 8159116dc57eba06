"""The steps that students take after they have turned in: reclaim, resubmit. See the table in `../states.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import not_found
from gateway.principal import Principal
from modules.assignments import errors
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.events import DatesChanged, SubmissionReclaimed
from modules.assignments.records import Assignment
from modules.assignments.states import SubmissionStep
from modules.assignments.submissions import gates
from modules.assignments.submissions.authors import AuthorReader, Authors
from modules.assignments.submissions.drafts import Drafts
from modules.assignments.submissions.messages import SUBMITTED, SubmissionView
from modules.assignments.submissions.records import Submission
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.views import StudentViews

# (the id of an attempt) → whether somebody has begun to grade or to review it.
Begun = Callable[[str], Awaitable[bool]]


class Steps:
    """Each call raises BadInput `not_found`, Refused `forbidden` for those who teach, and Unavailable."""

    pushes = (SUBMITTED,)

    def __init__(
        self,
        kernel: Kernel,
        rows: SubmissionRepository,
        assignments: AssignmentRepository,
        authors: AuthorReader,
        dates: EffectiveDateReader,
        drafts: Drafts,
        views: StudentViews,
        begun: Sequence[Begun],
    ) -> None:
        self._kernel = kernel
        self._rows = rows
        self._assignments = assignments
        self._authors = authors
        self._dates = dates
        self._drafts = drafts
        self._views = views
        self._begun = begun

    async def reclaim(self, principal: Principal, assignment_id: str) -> SubmissionView:
        """Take back what is turned in, to go on with its draft.

        Refused once it has closed: it could not be turned in again. Raises Conflict `assignments.bad_transition`,
        `assignments.grading_begun` and `assignments.closed`.
        """
        assignment, authors = await self._drafts.own(principal, assignment_id)
        async with self._kernel.database.transaction():
            submission = await self._locked(assignment, authors)
            gates.next_state(submission.state, SubmissionStep.RECLAIM)
            now = clock.now()
            gates.check_not_closed((await self._dates.of(assignment, [principal.id]))[principal.id], now)
            if (attempt_id := submission.attempt_id) is None:
                raise errors.bad_transition(submission.state, SubmissionStep.RECLAIM)
            for begun in self._begun:
                if await begun(attempt_id):
                    raise errors.grading_begun()
            submission = await self._rows.reclaim(attempt_id, now)
            await self._kernel.events.publish(
                SubmissionReclaimed(
                    assignment.id, assignment.program_id, submission.id, attempt_id, tuple(authors.members)
                )
            )
            await self._views.push(assignment, submission)
            return await self._view(principal, assignment, submission, authors)

    async def resubmit(self, principal: Principal, assignment_id: str) -> SubmissionView:
        """Go on with the draft of what was returned, for another attempt.

        Raises Conflict `assignments.bad_transition`, `assignments.attempts_used` and `assignments.closed`.
        """
        assignment, authors = await self._drafts.own(principal, assignment_id)
        async with self._kernel.database.transaction():
            submission = await self._locked(assignment, authors)
            gates.next_state(submission.state, SubmissionStep.RESUBMIT)
            terms = (await self._dates.terms(assignment, [principal.id]))[principal.id]
            gates.check_not_closed(terms.dates, clock.now())
            gates.check_attempts(submission.attempts, terms.attempts)
            submission = await self._rows.resubmit(submission.id)
            await self._views.push(assignment, submission)
            return await self._view(principal, assignment, submission, authors)

    @listener(DatesChanged, "assignments.push_dates_changed")
    async def push_dates_changed(self, event: DatesChanged, delivery: Delivery) -> None:
        """Other dates hold for students, so they see something else of the submissions that they have begun."""
        assignment = await self._assignments.find(event.assignment_id)
        if assignment is None:
            return
        found = {await self._authors.of(assignment, user) for user in event.user_ids}
        for authors in sorted(found, key=lambda one: one.group_id or one.user_id or ""):
            submission = await self._rows.lock_of(assignment.id, authors)
            if submission is not None:
                await self._views.push(assignment, await self._rows.touch(submission.id))

    async def _locked(self, assignment: Assignment, authors: Authors) -> Submission:
        submission = await self._rows.lock_of(assignment.id, authors)
        if submission is None:
            raise not_found("nothing was handed in for this assignment")
        return submission

    async def _view(
        self, principal: Principal, assignment: Assignment, submission: Submission, authors: Authors
    ) -> SubmissionView:
        return (await self._views.of(assignment, submission, authors, [principal.id]))[principal.id]
