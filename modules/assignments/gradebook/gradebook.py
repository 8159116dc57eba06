"""The grade book of a program: who reads it, in pages and as files, and how grades are spread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from litestar.response import Stream

from gateway import clock
from gateway.http.listing import Span
from gateway.http.sheet_file import SheetFiles, SheetFormat
from gateway.principal import Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.decimals import rounded
from modules.assignments.gradebook.book_reader import BookHead, GradeBookReader
from modules.assignments.gradebook.messages import BookRow, GradeBook, OwnGrades, Statistics
from modules.assignments.gradebook.sheet import head_of, row_of
from modules.assignments.gradebook.statistics import spread_of
from modules.assignments.settings import GradeBookSettings

# Students whose rows are read together for a file.
BATCH: Final = 200


class GradeBooks:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(self, settings: GradeBookSettings, access: AssignmentAccess, reader: GradeBookReader) -> None:
        self._least = settings.statistics_least
        self._files = SheetFiles(most=settings.gradebook_rows, at_once=settings.gradebooks_at_once)
        self._access = access
        self._reader = reader

    async def page(self, principal: Principal, program_id: str, released_only: bool, span: Span) -> GradeBook:
        """A page of everybody's. Raises Refused `forbidden` for students, and BadInput `invalid` for a cursor."""
        head = await self._open(principal, program_id)
        users = await self._reader.page(program_id, span)
        return GradeBook(
            program_id=program_id,
            released_only=released_only,
            categories=head.categories,
            assignments=head.columns,
            items=await self._reader.rows(head, users.items, released_only=released_only),
            next=users.next,
        )

    async def file(self, principal: Principal, program_id: str, released_only: bool, format: SheetFormat) -> Stream:
        """All of it: the rows of the pages. Raises Refused `forbidden`, and BadInput `invalid` for too many rows."""
        head = await self._open(principal, program_id)
        users = await self._reader.students(program_id)

        async def batches() -> AsyncIterator[Sequence[BookRow]]:
            for start in range(0, len(users), BATCH):
                yield await self._reader.rows(head, users[start : start + BATCH], released_only=released_only)

        name = f"gradebook-{program_id}"
        return await self._files.answer(name, format, head_of(head), batches(), lambda row: row_of(head, row))

    async def own(self, principal: Principal, program_id: str) -> OwnGrades:
        """The user's own row. Somebody who teaches has an empty one."""
        await self._access.in_program(principal, program_id)
        head = await self._reader.head(program_id, clock.now())
        row = await self._reader.own(head, principal.id)
        return OwnGrades(
            program_id=program_id,
            categories=head.categories,
            assignments=head.columns,
            marks=row.marks,
            total=row.total,
        )

    async def statistics(self, principal: Principal, assignment_id: str, released_only: bool) -> Statistics:
        """How the grades of an assignment are spread; students see released ones alone, and none of a few."""
        seen = await self._access.seen(principal, assignment_id)
        released_only = released_only or not seen.teaches
        assignment, now = seen.assignment, clock.now()
        scores, works = [], set()
        if assignment.published:
            users = await self._reader.students(assignment.program_id)
            # Scores without people: those of hidden ones count too.
            facts = await self._reader.facts([assignment], now, users, released_only=released_only)
            scores = [fact.score for fact in facts]
            works = {fact.attempt_id for fact in facts}
        # A group has one grade: the spread of a single group would say it to all others.
        shown = seen.teaches or len(works) >= self._least
        return Statistics(
            assignment_id=assignment_id,
            points=rounded(assignment.points),
            released_only=released_only,
            least=self._least,
            spread=spread_of(scores, assignment.points) if shown else None,
        )

    async def _open(self, principal: Principal, program_id: str) -> BookHead:
        await self._access.teaches_program(principal, program_id)
        return await self._reader.head(program_id, clock.now())
