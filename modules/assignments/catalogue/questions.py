"""The questions of an assignment: mentors write them with their keys, students read them once it is open."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.assignments import Assignments
from modules.assignments.catalogue.checks import AssignmentChecks
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.handed_in import HandedIn
from modules.assignments.catalogue.key_rules import questions_of
from modules.assignments.catalogue.question import Question
from modules.assignments.catalogue.question_messages import NewQuestions, Questions, QuestionView
from modules.assignments.catalogue.question_repository import QuestionRepository
from modules.assignments.decimals import rounded
from modules.assignments.settings import AssignmentsSettings


class QuestionCatalogue:
    """Each call raises Unavailable, and BadInput `not_found` for an assignment that the user may not know of."""

    def __init__(
        self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess, assignments: Assignments
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._assignments = assignments
        self._questions = QuestionRepository(kernel.database)
        self._dates = EffectiveDateReader(kernel.database)
        self._handed_in = HandedIn(kernel.database)
        self._checks = AssignmentChecks(kernel.database, settings)

    async def read(self, principal: Principal, assignment_id: str) -> Questions:
        """Without keys for students, and without questions before it opens for them."""
        seen = await self._access.seen(principal, assignment_id)
        shown = seen.teaches or await self._dates.opened(seen.assignment, principal.id, clock.now())
        found = await self._questions.of(assignment_id) if shown else []
        return _view(assignment_id, seen.assignment.rev, found, keys=seen.teaches)

    async def replace(
        self, principal: Principal, assignment_id: str, new: NewQuestions, if_match: IfMatch
    ) -> Questions:
        """Put these in place of all there are.

        Raises Refused `forbidden`, BadInput `invalid` or `precondition_failed`, Conflict `assignments.turned_in` once
        somebody has answered them, and what filters raise.
        """
        author = Author.of(principal)
        for question in new.questions:
            for texts in (question, *question.options):
                await self._kernel.filters.check(texts, author)
        if len(new.questions) > self._settings.questions:
            raise invalid(f"an assignment has at most {self._settings.questions} questions", field="questions")
        async with self._kernel.database.transaction():
            before = await self._access.lock(principal, assignment_id)
            if_match.check(before.rev)
            if (await self._handed_in.progress(assignment_id)).answered:
                raise errors.turned_in("questions")
            known = [one.id for one in await self._questions.of(assignment_id)]
            made = questions_of(new.questions, known)
            await self._questions.replace(assignment_id, made)
            if before.published:
                await self._checks.check_questions(before)
            after = await self._assignments.write(before)
        return _view(assignment_id, after.rev, made, keys=True)


def _view(assignment_id: str, rev: int, questions: list[Question], *, keys: bool) -> Questions:
    shown = tuple(QuestionView(one.id, one.kind, one.text, one.options, rounded(one.points)) for one in questions)
    return Questions(assignment_id, rev, shown, {one.id: one.key for one in questions} if keys else None)
