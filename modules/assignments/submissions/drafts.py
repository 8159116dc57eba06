"""The draft of a submission: saved by itself while it is written, from any tab of any member.

Every save names the revision that it was made of. When somebody else has saved in between, it is refused with the
draft as it is now, and the client merges. A save of what is there already changes nothing. It needs no S3: its files
are stored before. A push tells the other tabs; it may be lost, and then the revision tells at the next save.

No filter looks at a draft: homework may quote what a chat may not say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, forbidden, invalid, not_found
from gateway.principal import Principal
from modules.accounts.facade import user_room
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.records import Assignment
from modules.assignments.settings import SubmissionSettings
from modules.assignments.states import SubmissionState
from modules.assignments.submissions import gates
from modules.assignments.submissions.authors import AuthorReader, Authors
from modules.assignments.submissions.grader import QuestionGrader
from modules.assignments.submissions.messages import DRAFT, DraftSave, DraftSaved, DraftView
from modules.assignments.submissions.quiz import Answered
from modules.assignments.submissions.records import Submission
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.views import answers_shown
from modules.files import facade as files

PURPOSE: Final = "assignments.submission"


def draft_holder(submission_id: str) -> str:
    return f"assignments.draft:{submission_id}"


class Drafts:
    """Each call raises BadInput `not_found`, Refused `forbidden` for those who teach, and Unavailable."""

    pushes = (DRAFT,)

    def __init__(
        self,
        kernel: Kernel,
        settings: SubmissionSettings,
        access: AssignmentAccess,
        rows: SubmissionRepository,
        authors: AuthorReader,
        dates: EffectiveDateReader,
        grader: QuestionGrader,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._rows = rows
        self._authors = authors
        self._dates = dates
        self._grader = grader

    async def read(self, principal: Principal, assignment_id: str) -> DraftView:
        """The draft; an empty one at revision 0 when there is none."""
        assignment, authors = await self.own(principal, assignment_id)
        return await self.view(assignment.id, await self._rows.of(assignment.id, authors))

    async def save(self, principal: Principal, assignment_id: str, wanted: DraftSave, at: datetime) -> DraftView:
        """Write the whole draft; `at` is when that was asked.

        Raises BadInput `invalid` and `too_large`, Conflict `assignments.draft_changed`, `assignments.not_open`,
        `assignments.closed`, `assignments.bad_transition` and `files.not_ready`.
        """
        answers = _answers(wanted)
        if len(wanted.text) > self._settings.draft_text:
            most = self._settings.draft_text
            raise BadInput(Code.TOO_LARGE, f"text is longer than {most} characters", field="text")
        assignment, authors = await self.own(principal, assignment_id)
        dates = (await self._dates.of(assignment, [principal.id]))[principal.id]
        gates.check_open(dates, at)
        # Somebody's upload may still be on its way.
        gates.check_not_closed(dates, at, grace=self._settings.upload_grace)
        gates.check_kinds(assignment, wanted.text, wanted.link, answers, len(wanted.files))
        await self._grader.check(assignment, answers)
        await self._rows.create(assignment.id, assignment.program_id, authors, at)
        async with self._kernel.database.transaction():
            submission = await self._rows.lock_of(assignment.id, authors)
            if submission is None:
                raise not_found("there is no such assignment")
            if wanted.draft_rev != submission.draft_rev:
                raise gates.draft_changed(await self.view(assignment.id, submission))
            if submission.state is not SubmissionState.DRAFT:
                raise errors.bad_transition(submission.state, "save")
            holder = draft_holder(submission.id)
            storage = files.of(self._kernel)
            held = (await storage.held([holder])).get(holder, [])
            other_files = [one.id for one in held] != wanted.files
            words = (submission.draft_text, submission.draft_link, submission.draft_answers)
            other_words = words != (wanted.text, wanted.link, answers)
            if not other_files and not other_words:
                return await self.view(assignment.id, submission)
            if other_words:
                gates.check_not_closed(dates, at)
            if other_files:
                found = await storage.attach(holder, wanted.files, purpose=PURPOSE, owner_id=principal.id)
                gates.check_targets(assignment, found)
                gates.check_types(assignment, found)
            await self._rows.save(
                submission,
                wanted.text,
                wanted.link,
                answers,
                by=principal.id,
                at=at,
                written_at=at if other_words else submission.draft_written_at,
            )
            saved = await self.view(assignment.id, await self._rows.find(submission.id))
        for member in authors.members:
            pushed = DraftSaved(assignment.id, saved.rev, principal.id, at)
            await self._kernel.rooms.emit(user_room(member), DRAFT, pushed)
        return saved

    async def own(self, principal: Principal, assignment_id: str) -> tuple[Assignment, Authors]:
        """The assignment, for a student, and with whom they hand in."""
        seen = await self._access.seen(principal, assignment_id)
        if seen.teaches:
            raise forbidden("this is for students of the program")
        return seen.assignment, await self._authors.of(seen.assignment, principal.id)

    async def view(self, assignment_id: str, submission: Submission | None) -> DraftView:
        if submission is None:
            return DraftView(assignment_id, 0, "", "", [], [], None, None)
        holder = draft_holder(submission.id)
        storage = files.of(self._kernel)
        return DraftView(
            assignment_id,
            submission.draft_rev,
            submission.draft_text,
            submission.draft_link,
            answers_shown(submission.draft_answers),
            [storage.shown(one) for one in (await storage.held([holder])).get(holder, [])],
            submission.draft_saved_by,
            submission.draft_saved_at,
        )


def _answers(wanted: DraftSave) -> dict[str, Answered]:
    answers = {one.question_id: Answered(tuple(one.options), one.text) for one in wanted.answers}
    if len(answers) != len(wanted.answers):
        raise invalid("a question is answered twice", field="answers")
    if len({*wanted.files}) != len(wanted.files):
        raise invalid("a file is named twice", field="files")
    # What says nothing is no answer.
    return {id: one for id, one in answers.items() if one.options or one.text}
