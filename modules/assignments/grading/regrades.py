"""Students ask that a grade be looked at again, and those who teach answer."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, Conflict, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from gateway.text import checked
from modules.accounts.facade import user_room
from modules.assignments.access import AssignmentAccess
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.grades import Grades
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.records import Work, policy_of
from modules.assignments.grading.regrade_messages import (
    LONGEST,
    REGRADE,
    LabelledRegrade,
    NewRegrade,
    Regrade,
    RegradeAnswer,
    Regrades,
    RegradeState,
)
from modules.assignments.grading.regrade_repository import RegradeRepository
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.records import Assignment
from modules.assignments.settings import GradingSettings
from modules.assignments.submissions.authors import AuthorReader
from modules.assignments.submissions.repository import SubmissionRepository


class RegradeRequests:
    """Only what a student sees can be asked about: a grade that is not released is answered as one that is not there.

    Each call raises BadInput `not_found`, and Unavailable.
    """

    pushes = (REGRADE,)

    def __init__(
        self,
        kernel: Kernel,
        settings: GradingSettings,
        access: AssignmentAccess,
        authors: AuthorReader,
        submissions: SubmissionRepository,
        rows: GradeRepository,
        grades: Grades,
        lateness: Lateness,
        views: GradeViews,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._authors = authors
        self._submissions = submissions
        self._rows = rows
        self._grades = grades
        self._lateness = lateness
        self._views = views
        self._regrades = RegradeRepository(kernel.database)

    async def ask(self, principal: Principal, assignment_id: str, new: NewRegrade) -> Regrade:
        """Ask for another look at the grade of one's attempt that counts.

        Raises BadInput `invalid`, Conflict `assignments.not_released` and, for what was asked already, `conflict`; and
        what filters raise.
        """
        checked(new.reason, LONGEST, "reason")
        await self._kernel.filters.check(new, Author.of(principal))
        async with self._kernel.database.transaction():
            assignment = (await self._access.share(principal, assignment_id)).assignment
            work = await self._own(principal, assignment)
            # Two members of a group ask one after the other.
            await self._submissions.lock(work.submission_id)
            asked = await self._regrades.asked(work.attempt_id)
            if RegradeState.OPEN in asked:
                raise Conflict("this was asked already, and is not answered yet")
            if len(asked) >= self._settings.regrades:
                raise Conflict(f"a regrade is asked for at most {self._settings.regrades} times")
            regrade = Regrade(
                new_id(),
                assignment_id,
                work.submission_id,
                work.attempt_id,
                new.reason,
                RegradeState.OPEN,
                "",
                clock.now(),
                None,
                1,
            )
            await self._regrades.add(regrade, principal.id)
            await self._push(regrade, work)
        return regrade

    async def listed(self, principal: Principal, assignment_id: str) -> Regrades:
        """All of the assignment for those who teach it; those of their own work for students."""
        seen = await self._access.seen(principal, assignment_id)
        own: list[str] | None = None
        if not seen.teaches:
            authors = await self._authors.of(seen.assignment, principal.id)
            submission = await self._submissions.of(assignment_id, authors)
            own = [] if submission is None else [submission.id]
        found = await self._regrades.listed(assignment_id, own)
        labels = {} if own is not None else await self._labels(seen.assignment, found)
        return Regrades([_labelled(one, labels.get(one.submission_id, "")) for one in found])

    async def answer(
        self, principal: Principal, assignment_id: str, id: str, answer: RegradeAnswer, if_match: IfMatch
    ) -> Regrade:
        """Decline it, or accept: the grade becomes a draft again, which is marked and released as another version.

        Raises Refused `forbidden` for students, BadInput `precondition_failed`, Conflict `conflict` for one that was
        answered, and what filters raise.
        """
        await self._kernel.filters.check(answer, Author.of(principal))
        async with self._kernel.database.transaction():
            assignment = await self._access.share_teaching(principal, assignment_id)
            found = await self._regrades.find(assignment_id, id)
            if found is None:
                raise _none()
            await self._submissions.lock(found.submission_id)
            regrade = await self._regrades.lock(assignment_id, id)
            if regrade is None:
                raise _none()
            if_match.check(regrade.rev)
            if regrade.state is not RegradeState.OPEN:
                raise Conflict("this was answered already")
            state = RegradeState.ACCEPTED if answer.accept else RegradeState.DECLINED
            answered = await self._regrades.answer(id, state, answer.answer, principal.id, clock.now())
            if answer.accept:
                await self._grades.reopen(assignment, regrade.attempt_id)
            for work in (await self._rows.works([regrade.attempt_id])).values():
                await self._push(answered, work)
        return answered

    async def _own(self, principal: Principal, assignment: Assignment) -> Work:
        """The attempt that counts of the user's own submission, if its grade is seen."""
        authors = await self._authors.of(assignment, principal.id)
        submission = await self._submissions.of(assignment.id, authors)
        if submission is not None and submission.attempt_id is not None:
            work = (await self._rows.works([submission.attempt_id])).get(submission.attempt_id)
            if work is not None and work.visible(policy_of(assignment), clock.now()) is not None:
                return work
        raise Conflict("there is no released grade to ask about", code="assignments.not_released")

    async def _labels(self, assignment: Assignment, regrades: list[Regrade]) -> dict[str, str]:
        works = await self._rows.works({one.attempt_id for one in regrades})
        return await self._views.labels(assignment, list(works.values()), clock.now())

    async def _push(self, regrade: Regrade, work: Work) -> None:
        owners = await self._lateness.owners([work])
        for user in owners[work.attempt_id]:
            await self._kernel.rooms.publish_row(user_room(user), REGRADE, regrade)


def _labelled(regrade: Regrade, label: str) -> LabelledRegrade:
    return LabelledRegrade(**{name: getattr(regrade, name) for name in Regrade.__struct_fields__}, label=label)


def _none() -> BadInput:
    return not_found("there is no such regrade")
