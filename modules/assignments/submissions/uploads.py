"""The purpose `assignments.submission` of files: who uploads for an assignment, and who reads what was handed in."""

from __future__ import annotations

from mimetypes import guess_extension
from typing import Final

from gateway import clock
from gateway.errors import BadInput, Refused, forbidden, invalid
from gateway.principal import Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.records import Assignment, WorkKind
from modules.assignments.submissions import gates
from modules.assignments.submissions.authors import AuthorReader
from modules.assignments.submissions.drafts import PURPOSE
from modules.assignments.submissions.hooks import Grading, PeerReaders
from modules.assignments.submissions.repository import SubmissionRepository
from modules.files.facade import KNOWN_TYPES, PICTURE_TYPES, RUNNING_TYPES, Allowance, FileFacts, Purpose

DRAFT: Final = "assignments.draft:"
ATTEMPT: Final = "assignments.attempt:"
# For an assignment that names none: nothing that could run in a marker's browser.
TYPES: Final = tuple(one for one in KNOWN_TYPES if one not in RUNNING_TYPES)


class Uploads:
    """Each call raises Unavailable."""

    def __init__(
        self,
        access: AssignmentAccess,
        rows: SubmissionRepository,
        authors: AuthorReader,
        dates: EffectiveDateReader,
        grading: Grading,
        peers: PeerReaders,
    ) -> None:
        self._access = access
        self._rows = rows
        self._authors = authors
        self._dates = dates
        self._grading = grading
        self._peers = peers
        self.contributions = (
            Purpose(
                name=PURPOSE,
                admit=self.admit,
                may_read=self.may_read,
                read_name=self.read_name,
                thumbnails=True,
                names_filtered=False,
                keeps_refused=True,
            ),
        )

    async def admit(self, principal: Principal, target: str) -> Allowance:
        """What a student may upload for the assignment `target`, while it is open for them.

        An upload that begins after the closing is refused. One that began before it may end after it.
        """
        seen = await self._access.seen(principal, target)
        if seen.teaches:
            raise forbidden("this is for students of the program")
        assignment, now = seen.assignment, clock.now()
        dates = (await self._dates.of(assignment, [principal.id]))[principal.id]
        gates.check_open(dates, now)
        gates.check_not_closed(dates, now)
        if gates.FILE_KINDS.isdisjoint(assignment.accepts):
            raise invalid("this assignment takes no files", field="target")
        return Allowance(self._allowed(assignment), assignment.file_bytes, f"program:{assignment.program_id}")

    def _allowed(self, assignment: Assignment) -> tuple[str, ...]:
        allowed = assignment.file_types or TYPES
        if WorkKind.FILES in assignment.accepts:
            return allowed
        # Pages are photographs.
        return tuple(one for one in allowed if one in PICTURE_TYPES)

    async def may_read(self, principal: Principal, file: FileFacts) -> bool:
        """The students whose work it is in; those who teach, and those who review it, once it is turned in."""
        try:
            seen = await self._access.seen(principal, file.target)
        except (BadInput, Refused):
            return False
        if seen.teaches:
            return bool(_ids(file, ATTEMPT))
        return await self._is_theirs(principal, file) or await self._reviews(principal, file)

    async def read_name(self, principal: Principal, file: FileFacts) -> str:
        """The file's own name; one that says nothing of anybody, for those who may not know whose work it is in."""
        seen = await self._access.seen(principal, file.target)
        if seen.teaches:
            hidden = await self._grading.hides_people(seen.assignment, clock.now())
        else:
            hidden = not await self._is_theirs(principal, file)
        if not hidden:
            return file.name
        for attempt in (await self._rows.attempts(_ids(file, ATTEMPT))).values():
            pseudonyms = await self._grading.pseudonyms(seen.assignment, [attempt.submission_id])
            place = next((at for at, one in enumerate(attempt.files, 1) if one.id == file.id), 0)
            return neutral_name(pseudonyms.get(attempt.submission_id, ""), place, file.type)
        return neutral_name("", 0, file.type)

    async def _is_theirs(self, principal: Principal, file: FileFacts) -> bool:
        """Whether it is in work of the user's: of a group that they are in, or were in when it was turned in."""
        attempts = (await self._rows.attempts(_ids(file, ATTEMPT))).values()
        if any(principal.id in attempt.members for attempt in attempts):
            return True
        for id in sorted({*_ids(file, DRAFT), *(attempt.submission_id for attempt in attempts)}):
            submission = await self._rows.find(id)
            if submission is None:
                continue
            if submission.group_id is None:
                if submission.user_id == principal.id:
                    return True
            elif principal.id in (await self._authors.members([submission.group_id])).get(submission.group_id, ()):
                return True
        return False

    async def _reviews(self, principal: Principal, file: FileFacts) -> bool:
        for id in _ids(file, ATTEMPT):
            if await self._peers.may_read(principal, id):
                return True
        return False


def neutral_name(pseudonym: str, place: int, type: str) -> str:
    """A file name for those who may not know whose work it is: `<pseudonym>-<place>` with the type's extension."""
    return f"{pseudonym.replace(' ', '-') or 'file'}-{place}{guess_extension(type) or ''}"


def _ids(file: FileFacts, prefix: str) -> list[str]:
    return [one.removeprefix(prefix) for one in file.holders if one.startswith(prefix)]
