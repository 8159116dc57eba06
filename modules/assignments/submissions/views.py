"""What students see of their submission, and its push to each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway import clock
from gateway.contract import Kernel
from modules.accounts.facade import user_room
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.dates.late_policy import days_late
from modules.assignments.records import Assignment
from modules.assignments.states import SubmissionState
from modules.assignments.submissions.authors import AuthorReader, Authors, alone
from modules.assignments.submissions.hooks import Grading, ReleasedGrade
from modules.assignments.submissions.messages import (
    SUBMITTED,
    AttemptSummary,
    AttemptView,
    GradeSummary,
    NewAnswer,
    SubmissionView,
    dates_view,
)
from modules.assignments.submissions.quiz import Answered
from modules.assignments.submissions.records import Attempt, AttemptFacts, Submission, facts_of
from modules.assignments.submissions.repository import SubmissionRepository
from modules.files.facade import Files, Shown


class StudentViews:
    """Each call raises Unavailable."""

    def __init__(
        self,
        kernel: Kernel,
        rows: SubmissionRepository,
        authors: AuthorReader,
        dates: EffectiveDateReader,
        grading: Grading,
    ) -> None:
        self._kernel = kernel
        self._rows = rows
        self._authors = authors
        self._dates = dates
        self._grading = grading

    async def of(
        self, assignment: Assignment, submission: Submission | None, authors: Authors, user_ids: Collection[str]
    ) -> dict[str, SubmissionView]:
        """The submission as each of these users sees it, by user; None is one that nobody has begun.

        Who is in its group no more sees the attempts that they had a part in.
        """
        history = [] if submission is None else await self._rows.summary(submission.id)
        everybody = {*user_ids, *authors.members, *(user for one in history for user in one.members)}
        terms = await self._dates.terms(assignment, everybody)
        grades = await self._grading.released([one.id for one in history], clock.now()) if history else {}
        late = {
            one.id: min(days_late(one.counted_at, terms[user].dates.due) for user in {*authors.members, *one.members})
            for one in history
        }
        views: dict[str, SubmissionView] = {}
        for user in user_ids:
            own = [one for one in history if user in authors.members or user in one.members]
            views[user] = _view(assignment, submission, authors, own, terms[user], grades, late)
        return views

    async def own(self, assignment: Assignment, authors: Authors, user_id: str) -> tuple[Submission | None, Authors]:
        """What a student has handed in, with whose work it is.

        That is their work with those they work with now. While nothing of that is turned in, it is what a group has
        turned in that they were in then.
        """
        submission = await self._rows.of(assignment.id, authors)
        if assignment.group_set_id is not None and (submission is None or submission.attempt_id is None):
            earlier = await self._rows.earlier(assignment.id, user_id)
            if earlier is not None:
                return earlier, await self.authors_of(earlier)
        return submission, authors

    async def push(self, assignment: Assignment, submission: Submission) -> None:
        """Push a submission whose row this transaction has written to all whose work it is."""
        authors = await self.authors_of(submission)
        concerned = {*authors.members}
        if submission.group_id is not None:
            # Who has left the group keeps what was turned in before.
            history = await self._rows.summary(submission.id)
            concerned |= {user for one in history if one.id == submission.attempt_id for user in one.members}
        for user, view in sorted((await self.of(assignment, submission, authors, concerned)).items()):
            await self._kernel.rooms.publish_row(user_room(user), SUBMITTED, view)

    async def push_turned_in(
        self, assignment: Assignment, submission: Submission, attempt: Attempt, authors: Authors, terms: Terms
    ) -> None:
        """As `push`, for what was turned in this moment: a first attempt needs no query, and most are."""
        if attempt.number > 1 or attempt.auto_points is not None or authors.group_id is not None:
            await self.push(assignment, submission)
            return
        late = {attempt.id: days_late(attempt.counted_at, terms.dates.due)}
        view = _view(assignment, submission, authors, [facts_of(attempt)], terms, {}, late)
        for user in authors.members:
            await self._kernel.rooms.publish_row(user_room(user), SUBMITTED, view)

    async def authors_of(self, submission: Submission) -> Authors:
        if submission.group_id is None:
            return alone(str(submission.user_id))
        members = await self._authors.members([submission.group_id])
        return Authors(None, submission.group_id, members.get(submission.group_id, ()))


def _view(
    assignment: Assignment,
    submission: Submission | None,
    authors: Authors,
    history: Sequence[AttemptFacts],
    terms: Terms,
    grades: Mapping[str, ReleasedGrade],
    late: Mapping[str, int],
) -> SubmissionView:
    used = 0 if submission is None else submission.attempts
    counting = next((one.id for one in reversed(history) if one.reclaimed_at is None), None)
    return SubmissionView(
        assignment_id=assignment.id,
        submission_id=None if submission is None else submission.id,
        state=SubmissionState.DRAFT if submission is None else submission.state,
        rev=0 if submission is None else submission.rev,
        group_id=authors.group_id,
        members=list(authors.members),
        dates=dates_view(terms.dates),
        attempts_left=None if terms.attempts is None else max(terms.attempts - used, 0),
        attempt_id=counting,
        attempts=[
            AttemptSummary(
                one.id,
                one.number,
                one.turned_in_at,
                late[one.id],
                one.files,
                one.turned_in_by,
                one.reclaimed_at,
            )
            for one in history
        ],
        grades=[
            GradeSummary(one.id, grade.points, grade.score, grade.days_late, grade.released_at)
            for one in history
            if (grade := grades.get(one.id)) is not None
        ],
    )


def attempt_view(attempt: Attempt, terms: Terms, files: Sequence[Shown], grade: ReleasedGrade | None) -> AttemptView:
    """The attempt as a student sees it; the results of its questions come with the grade."""
    return AttemptView(
        id=attempt.id,
        number=attempt.number,
        turned_in_at=attempt.turned_in_at,
        counted_at=attempt.counted_at,
        days_late=days_late(attempt.counted_at, terms.dates.due),
        turned_in_by=attempt.turned_in_by,
        members=list(attempt.members),
        text=attempt.text,
        link=attempt.link,
        answers=answers_shown(attempt.answers),
        files=list(files),
        reclaimed_at=attempt.reclaimed_at,
        grade=grade,
        results=None if grade is None or attempt.auto_results is None else list(attempt.auto_results),
    )


def answers_shown(answers: Mapping[str, Answered]) -> list[NewAnswer]:
    return [NewAnswer(id, list(one.options), one.text) for id, one in sorted(answers.items())]


async def shown_files(files: Files, holder: str) -> list[Shown]:
    """The files of a holder as others see them, in their order."""
    return [files.shown(one) for one in (await files.held([holder])).get(holder, [])]
