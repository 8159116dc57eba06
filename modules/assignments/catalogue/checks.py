"""What is checked of an assignment against settings and other rows, before it is written."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database
from gateway.errors import invalid
from gateway.text import checked
from modules.assignments import errors
from modules.assignments.catalogue.changes import check_terms
from modules.assignments.catalogue.question_repository import QuestionRepository
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.records import Assignment, WorkKind
from modules.assignments.settings import AssignmentsSettings
from modules.files.facade import KNOWN_TYPES
from modules.programs.facade import lesson

GROUP_SET: Final = "SELECT FROM assignments_group_set WHERE id = $1 AND program_id = $2 FOR KEY SHARE"


class AssignmentChecks:
    """Each call raises Unavailable."""

    def __init__(self, database: Database, settings: AssignmentsSettings) -> None:
        self._database = database
        self._settings = settings
        self._assignments = AssignmentRepository(database)
        self._questions = QuestionRepository(database)

    async def check(self, assignment: Assignment, before: Assignment | None = None) -> None:
        """Check all terms, and that what is named beside the assignment is of its program.

        Raises BadInput `invalid` or `too_large`. What stays as it was `before` is not looked for again: a lesson may
        have been deleted since.
        """
        check_terms(assignment)
        if assignment.instructions:
            checked(assignment.instructions, self._settings.instructions, "instructions")
        if assignment.file_bytes > self._settings.file_bytes:
            raise invalid(f"a file has at most {self._settings.file_bytes} bytes here", field="file_bytes")
        if assignment.files_most > self._settings.files_most:
            raise invalid(f"there are at most {self._settings.files_most} files here", field="files_most")
        if unknown := {*assignment.file_types} - {*KNOWN_TYPES}:
            raise invalid(f"no file of the type {min(unknown)} can be uploaded", field="file_types")
        await self._check_named(assignment, before)

    async def check_room(self, program_id: str) -> None:
        """Raises Conflict `assignments.too_many` when the program has no room for one more."""
        if await self._assignments.count(program_id) >= self._settings.per_program:
            raise errors.too_many(self._settings.per_program)

    async def check_questions(self, assignment: Assignment) -> None:
        """Check what students will be asked. Raises BadInput `invalid`."""
        count, points = await self._questions.total(assignment.id)
        if WorkKind.QUESTIONS in assignment.accepts and not count:
            raise invalid("it accepts answers to questions, and has none", field="accepts")
        if count and points > assignment.points:
            raise invalid(f"its questions give {points} points together, which is more than its own", field="points")

    async def _check_named(self, assignment: Assignment, before: Assignment | None) -> None:
        if assignment.lesson_id is not None and (before is None or assignment.lesson_id != before.lesson_id):
            found = await lesson(self._database, assignment.lesson_id)
            if found is None or found.program_id != assignment.program_id:
                raise invalid("there is no such lesson in the program", field="lesson_id")
        program, category, groups = assignment.program_id, assignment.category_id, assignment.group_set_id
        if category is not None and not await self._assignments.has_category(category, program):
            raise invalid("there is no such category in the program", field="category_id")
        if groups is not None and not await self._database.fetch(GROUP_SET, groups, program):
            raise invalid("there is no such group set in the program", field="group_set_id")
