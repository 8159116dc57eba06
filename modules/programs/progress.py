"""How far students are: what each has started and completed, and the rates.

A rate counts the lessons that there are now. A student's marks go with their lesson, so a rate is right whatever is
added or deleted. Whoever marks a lesson first shares a lock of the program's row, which keeps the curriculum as it is,
and then locks the student's own row. So of two lessons that are marked at once the later sees the other, and the
program is completed once.
"""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, not_found
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.programs.access import ProgramAccess, edits
from modules.programs.events import LessonCompleted, ProgramCompleted
from modules.programs.facade import Part, part_of
from modules.programs.messages import Completion, LessonMark, Mark, Progress, StudentView
from modules.programs.progress_repository import ProgressRepository, last_seen


class ProgressTracker:
    """Notes what students have done, and says how far they are. Each call raises Unavailable."""

    def __init__(self, kernel: Kernel, rows: ProgressRepository, access: ProgramAccess) -> None:
        self._kernel = kernel
        self._rows = rows
        self._access = access

    async def mark(self, principal: Principal, program_id: str, lesson_id: str, mark: Mark) -> LessonMark:
        """Start or complete a lesson; done again it changes nothing.

        Raises BadInput `not_found`, and Refused `forbidden` for a user who is no student of the program.
        """
        now = clock.now()
        async with self._kernel.database.transaction():
            await self._rows.share_program(program_id)
            await self._check_student(principal, program_id)
            if not await self._rows.has_lesson(program_id, lesson_id):
                raise not_found("there is no such lesson in this program")
            await self._rows.note_student(program_id, principal.id, now)
            completed_at = now if mark.state == "completed" else None
            written = await self._rows.write_mark(lesson_id, principal.id, now, completed_at)
            # What was completed before keeps its time.
            if completed_at is not None and written.completed_at == now:
                await self._kernel.events.publish(LessonCompleted(program_id, lesson_id, principal.id, now))
            if completed_at is not None:
                await self.finish(program_id, principal.id)
        return written

    async def finish(self, program_id: str, user: str | None = None) -> None:
        """Publish that the student, or each of all students, has now completed every lesson there is.

        Call it inside a transaction that holds the program's row, or shares it and holds the student's.
        """
        now = clock.now()
        for finished in await self._rows.finish(program_id, user, now):
            await self._kernel.events.publish(ProgramCompleted(program_id, finished, now))

    async def own(self, principal: Principal, program_id: str) -> Progress:
        """Raises BadInput `not_found`, and Refused `forbidden` for a user who is no student of the program."""
        await self._check_student(principal, program_id)
        progress = await self._rows.progress(program_id, principal.id)
        return progress or await self._rows.nothing_yet(program_id, principal.id)

    async def of(self, principal: Principal, program_id: str, user: str) -> Progress:
        """A student's, for the program's mentors; raises BadInput `not_found` and Refused `forbidden`."""
        await self._check_mentor(principal, program_id)
        progress = await self._rows.progress(program_id, user)
        if progress is None:
            raise not_found("this user is no student of the program")
        return progress

    async def students(self, principal: Principal, program_id: str, span: Span) -> Page[StudentView]:
        """How far each student is, by the students' ids, for the program's mentors.

        Raises BadInput `not_found` or `invalid`, and Refused `forbidden`.
        """
        after = last_seen(span)
        await self._check_mentor(principal, program_id)
        return await self._rows.students(program_id, after, span.limit)

    async def completion(self, principal: Principal, program_id: str) -> Completion:
        """How far the students are together, for the program's mentors.

        Raises BadInput `not_found` and Refused `forbidden`.
        """
        await self._check_mentor(principal, program_id)
        return await self._rows.completion(program_id)

    async def _check_student(self, principal: Principal, program_id: str) -> None:
        if await part_of(self._kernel.database, principal, program_id) is not Part.STUDENT:
            await self._access.visible(principal, program_id)
            raise forbidden("only students of the program have progress in it")

    async def _check_mentor(self, principal: Principal, program_id: str) -> None:
        if not edits(principal, await self._access.visible(principal, program_id)):
            raise forbidden("only its mentors see the progress of a program's students")
