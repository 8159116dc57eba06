"""Saves and reads grades, for those who teach."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.errors import GradeChanged, attempt_changed
from modules.assignments.grading import metrics
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.marks import marks_of, points_of
from modules.assignments.grading.messages import GradeVersion, GradeVersions, GradeView, NewGrade
from modules.assignments.grading.records import Work, policy_of
from modules.assignments.grading.releases import Releases
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubric_repository import RubricRepository
from modules.assignments.grading.visibility import GradeState
from modules.assignments.records import Assignment
from modules.assignments.submissions.records import Attempt, Submission
from modules.assignments.submissions.repository import SubmissionRepository


class Grades:
    """A grade is of the attempt that counts. All who teach the program may mark each submission of it but their own:
    somebody may have been its student before.

    Each call raises BadInput `not_found`, Refused `forbidden` for students, and Unavailable.
    """

    def __init__(
        self,
        kernel: Kernel,
        access: AssignmentAccess,
        submissions: SubmissionRepository,
        grades: GradeRepository,
        views: GradeViews,
        releases: Releases,
        lateness: Lateness,
    ) -> None:
        self._kernel = kernel
        self._access = access
        self._submissions = submissions
        self._grades = grades
        self._rubrics = RubricRepository(kernel.database)
        self._views = views
        self._releases = releases
        self._lateness = lateness

    async def read(self, principal: Principal, assignment_id: str, submission_id: str) -> GradeView:
        """The grade as it was saved last; of revision 0 while there is none."""
        assignment = await self._access.teaching(principal, assignment_id)
        return await self._views.grade(assignment, await self._work(assignment_id, submission_id), clock.now())

    async def versions(self, principal: Principal, assignment_id: str, submission_id: str) -> GradeVersions:
        """All that was ever saved, the newest first."""
        await self._access.teaching(principal, assignment_id)
        work = await self._work(assignment_id, submission_id)
        return GradeVersions(await self._grades.history(work.attempt_id))

    async def save(
        self, principal: Principal, assignment_id: str, submission_id: str, new: NewGrade, if_match: IfMatch
    ) -> GradeView:
        """Save a version. Raises BadInput `invalid`, what filters raise, and Conflict `assignments.grade_changed`, with
        the grade as it is, and `assignments.attempt_changed`.
        """
        for part in new.texts():
            await self._kernel.filters.check(part, Author.of(principal))
        async with self._kernel.database.transaction():
            assignment = await self._access.share_teaching(principal, assignment_id)
            # Two markers come one after the other, and so do a marker and a student who reclaims.
            await self._submissions.lock(submission_id)
            work = await self._work(assignment_id, submission_id)
            if principal.id in (await self._lateness.owners([work]))[work.attempt_id]:
                raise forbidden("nobody marks their own work")
            if new.attempt_id != work.attempt_id:
                raise attempt_changed()
            if if_match.revisions is not None and work.rev not in if_match.revisions:
                metrics.conflicts.inc()
                raise GradeChanged(await self._views.grade(assignment, work, clock.now()))
            version = await self._version(principal, work, new)
            await self._write(assignment, work, version)
            saved = (await self._grades.works([work.attempt_id]))[work.attempt_id]
            view = await self._views.grade(assignment, saved, clock.now())
        metrics.saved.labels(new.state).inc()
        return view

    async def reopen(self, assignment: Assignment, attempt_id: str) -> None:
        """Make a draft of the version that students see, of a locked submission: it is to be marked again."""
        work = (await self._grades.works([attempt_id])).get(attempt_id)
        if work is None or work.state is not GradeState.FINAL:
            return
        latest = (await self._grades.versions([(attempt_id, work.version)]))[attempt_id, work.version]
        await self._write(assignment, work, latest.as_draft(clock.now()))

    async def on_turned_in(self, assignment: Assignment, submission: Submission, attempt: Attempt) -> None:
        """Grade an attempt by the key of its questions, in the transaction that has written it.

        It is final where there is nothing else to mark.
        """
        if attempt.auto_points is None:
            return
        work = (await self._grades.works([attempt.id]))[attempt.id]
        rubric = await self._rubrics.of(assignment.id)
        only_questions = len(assignment.accepts) == 1 and not rubric.criteria
        state = GradeState.FINAL if only_questions else GradeState.DRAFT
        points = points_of((), rubric, attempt.auto_points, None)
        await self._write(assignment, work, GradeVersion(0, state, points, None, (), "", None, clock.now()))

    async def _version(self, principal: Principal, work: Work, new: NewGrade) -> GradeVersion:
        rubric = await self._rubrics.of(work.assignment_id)
        marks = marks_of(new, rubric)
        points = points_of(marks, rubric, work.auto_points, new.points)
        if new.state is GradeState.FINAL and points is None:
            raise invalid("a final grade needs points, or a level for each criterion", field="points")
        return GradeVersion(0, new.state, points, new.points, marks, new.comment, principal.id, clock.now())

    async def _write(self, assignment: Assignment, work: Work, version: GradeVersion) -> None:
        if work.visible(policy_of(assignment), clock.now()) != work.released_version:
            # Students see a version by the clock, and the timer is late: it stays seen whatever is saved now.
            await self._releases.write(assignment, [work.attempt_id])
        await self._grades.save(work, version)
        if version.state is GradeState.FINAL:
            await self._releases.saved_final(assignment, work.attempt_id)

    async def _work(self, assignment_id: str, submission_id: str) -> Work:
        """The attempt that the submission counts; raises BadInput `not_found`."""
        counting = await self._grades.counting(assignment_id, [submission_id])
        works = await self._grades.works(counting)
        for work in works.values():
            return work
        raise not_found("nothing was turned in there")
