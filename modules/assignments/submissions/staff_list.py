"""The submissions of an assignment for those who teach it, with those of whom nothing has come.

Lateness is derived here by the one function for dates. So the lines of an assignment are made together, and a page is
cut from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from gateway import clock
from gateway.contract import Database, Kernel
from gateway.errors import not_found
from gateway.http.listing import Page, Span, page_in
from gateway.principal import FORGOTTEN, Principal
from modules.accounts.facade import names_of
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.dates.late_policy import days_late
from modules.assignments.records import Assignment
from modules.assignments.states import SubmissionState
from modules.assignments.submissions.authors import AuthorReader, Authors, alone
from modules.assignments.submissions.hooks import Grading
from modules.assignments.submissions.records import Attempt, SubmissionFacts
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.staff_messages import StaffAttempt, StaffSubmission, SubmissionLine, Wanted
from modules.assignments.submissions.turn_in import attempt_holder
from modules.assignments.submissions.uploads import neutral_name
from modules.assignments.submissions.views import answers_shown
from modules.files import facade as files
from modules.files.facade import Shown
from modules.programs.facade import students_of


class _Work(msgspec.Struct, frozen=True):
    """One line to be: whose work, and what of it there is."""

    authors: Authors
    submission: SubmissionFacts | None


class StaffList:
    """Each call raises BadInput `not_found`, Refused `forbidden` for students, and Unavailable."""

    def __init__(
        self,
        kernel: Kernel,
        access: AssignmentAccess,
        rows: SubmissionRepository,
        authors: AuthorReader,
        dates: EffectiveDateReader,
        grading: Grading,
    ) -> None:
        self._kernel = kernel
        self._database: Database = kernel.database
        self._access = access
        self._rows = rows
        self._authors = authors
        self._dates = dates
        self._grading = grading

    async def listed(
        self, principal: Principal, assignment_id: str, wanted: Wanted | None, span: Span
    ) -> Page[SubmissionLine]:
        """Those of an assignment by name, or by pseudonym while markers may not know whose work it is."""
        assignment = await self._access.teaching(principal, assignment_id)
        hidden = await self._grading.hides_people(assignment, clock.now())
        lines = await self._lines(assignment, await self._works(assignment), hidden=hidden)
        return page_in((one for one in lines if _is_wanted(one, wanted)), "name", _key, span)

    async def read(self, principal: Principal, assignment_id: str, submission_id: str) -> StaffSubmission:
        """One submission with its history."""
        assignment = await self._access.teaching(principal, assignment_id)
        hidden = await self._grading.hides_people(assignment, clock.now())
        lines = await self._lines(assignment, await self._work(assignment, submission_id), hidden=hidden)
        if not lines:
            raise not_found("there is no such submission")
        (line,) = lines
        history = await self._rows.history(submission_id)
        everybody = {*line.user_ids, *(user for one in history for user in one.members)}
        terms = await self._dates.terms(assignment, everybody)
        held = await files.of(self._kernel).held([attempt_holder(one.id) for one in history])
        return StaffSubmission(
            line,
            [
                _attempt(
                    one,
                    min(days_late(one.counted_at, terms[user].dates.due) for user in {*line.user_ids, *one.members}),
                    [files.of(self._kernel).shown(file) for file in held.get(attempt_holder(one.id), [])],
                    line.name if hidden else None,
                )
                for one in history
            ],
        )

    async def _lines(self, assignment: Assignment, works: list[_Work], *, hidden: bool) -> list[SubmissionLine]:
        """The lines of these works, in no order. What markers may not know of has none."""
        if hidden:
            works = [one for one in works if one.submission is not None and one.submission.attempt is not None]
        begun = [one.submission for one in works if one.submission is not None]
        attempt_ids = [one.attempt.id for one in begun if one.attempt is not None]
        graded = await self._grading.graded(attempt_ids) if attempt_ids else set()
        users = sorted({user for work in works for user in _users(work)})
        terms = await self._dates.terms(assignment, users) if users else {}
        if hidden:
            names = await self._grading.pseudonyms(assignment, [one.id for one in begun]) if begun else {}
        else:
            names = await names_of(self._database, users)
            names |= await self._authors.names([group for one in works if (group := one.authors.group_id) is not None])
        return [_line(work, names, terms, graded, hidden=hidden) for work in works]

    async def _work(self, assignment: Assignment, submission_id: str) -> list[_Work]:
        """That of one submission; empty when there is none, or it is the concern of a group now."""
        for one in await self._rows.of_assignment(assignment.id, submission_id):
            if one.group_id is not None:
                members = await self._authors.members([one.group_id])
                return [_of_group(one, one.group_id, members.get(one.group_id))]
            if one.user_id is not None:
                now = await self._authors.of(assignment, one.user_id)
                return [_Work(alone(one.user_id), one)] if one.attempt is not None or now.group_id is None else []
        return []

    async def _works(self, assignment: Assignment) -> list[_Work]:
        """All there are, and of everybody of whom nothing has come."""
        submissions = await self._rows.of_assignment(assignment.id)
        groups = await self._authors.groups(assignment)
        grouped = {user for group in groups.values() for user in group.members}
        expected = {*await students_of(self._database, assignment.program_id)} - grouped
        works: list[_Work] = []
        for one in submissions:
            if one.group_id is not None:
                group = groups.pop(one.group_id, None)
                works.append(_of_group(one, one.group_id, None if group is None else group.members))
            elif one.user_id is not None:
                expected.discard(one.user_id)
                # What somebody began alone, and is in a group now, is the group's concern.
                if one.attempt is not None or one.user_id not in grouped:
                    works.append(_Work(alone(one.user_id), one))
        works += [_Work(group, None) for group in groups.values()]
        works += [_Work(alone(user), None) for user in expected]
        return works


def _of_group(submission: SubmissionFacts, group_id: str, members: tuple[str, ...] | None) -> _Work:
    """A group that nobody is in any more has the members that turned in."""
    if members is None:
        members = () if submission.attempt is None else submission.attempt.members
    return _Work(Authors(None, group_id, members), submission)


def _users(work: _Work) -> Iterator[str]:
    yield from work.authors.members
    if work.submission is not None and work.submission.attempt is not None:
        yield from work.submission.attempt.members


def _line(
    work: _Work, names: Mapping[str, str], terms: Mapping[str, Terms], graded: Collection[str], *, hidden: bool
) -> SubmissionLine:
    submission = work.submission
    attempt = None if submission is None else submission.attempt
    late = 0
    if attempt is not None:
        late = min(days_late(attempt.counted_at, terms[user].dates.due) for user in _users(work))
    named = submission.id if hidden and submission is not None else work.authors.group_id or work.authors.user_id
    return SubmissionLine(
        submission_id=None if submission is None else submission.id,
        name=names.get(named or "", FORGOTTEN),
        user_ids=[] if hidden else list(work.authors.members),
        group_id=None if hidden else work.authors.group_id,
        state=SubmissionState.DRAFT if submission is None else submission.state,
        attempt_id=None if attempt is None else attempt.id,
        number=None if attempt is None else attempt.number,
        attempts=0 if submission is None else submission.attempts,
        turned_in_at=None if attempt is None or hidden else attempt.turned_in_at,
        days_late=late,
        graded=attempt is not None and attempt.id in graded,
    )


def _attempt(attempt: Attempt, late: int, shown: Sequence[Shown], pseudonym: str | None) -> StaffAttempt:
    """With a pseudonym nothing in it says whose work it is."""
    if pseudonym is not None:
        shown = [
            msgspec.structs.replace(file, name=neutral_name(pseudonym, place, file.type))
            for place, file in enumerate(shown, 1)
        ]
    return StaffAttempt(
        id=attempt.id,
        number=attempt.number,
        turned_in_at=attempt.turned_in_at if pseudonym is None else None,
        days_late=late,
        turned_in_by=attempt.turned_in_by if pseudonym is None else None,
        members=list(attempt.members) if pseudonym is None else [],
        text=attempt.text,
        link=attempt.link,
        answers=answers_shown(attempt.answers),
        files=list(shown),
        auto_points=attempt.auto_points,
        results=None if attempt.auto_results is None else list(attempt.auto_results),
        reclaimed=attempt.reclaimed_at is not None,
    )


def _is_wanted(line: SubmissionLine, wanted: Wanted | None) -> bool:
    turned_in = line.attempt_id is not None
    match wanted:
        case Wanted.MISSING:
            return not turned_in
        case Wanted.LATE:
            return line.days_late > 0
        case Wanted.UNGRADED:
            return turned_in and not line.graded
        case Wanted.TURNED_IN:
            return turned_in
        case None:
            return True


def _key(line: SubmissionLine) -> tuple[str, str]:
    return line.name.casefold(), line.submission_id or line.group_id or "".join(line.user_ids)
