"""Rubrics as those who teach write them."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.grading.rubric import NewRubric, Rubric, criteria_of
from modules.assignments.grading.rubric_repository import RubricRepository
from modules.assignments.settings import GradingSettings


class Rubrics:
    """Whoever may read an assignment reads its rubric: students once it is open, as its instructions.

    Once something is graded, only its texts change.
    """

    def __init__(
        self, kernel: Kernel, settings: GradingSettings, access: AssignmentAccess, grades: GradeRepository
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._grades = grades
        self._rubrics = RubricRepository(kernel.database)
        self._dates = EffectiveDateReader(kernel.database)

    async def read(self, principal: Principal, assignment_id: str) -> Rubric:
        """Raises BadInput `not_found`, and Unavailable."""
        seen = await self._access.seen(principal, assignment_id)
        if seen.teaches or await self._dates.opened(seen.assignment, principal.id, clock.now()):
            return await self._rubrics.of(assignment_id)
        return Rubric.of(assignment_id, (), 0)

    async def write(self, principal: Principal, assignment_id: str, new: NewRubric, if_match: IfMatch) -> Rubric:
        """Raises BadInput `not_found`, `precondition_failed`, `invalid` and `too_large`, Refused `forbidden`, what
        filters raise, Conflict `assignments.graded`, and Unavailable.
        """
        for part in new.texts():
            await self._kernel.filters.check(part, Author.of(principal))
        criteria = criteria_of(new, self._settings.criteria)
        async with self._kernel.database.transaction():
            # Whoever grades shares this lock, so no grade is written by a rubric that goes away.
            await self._access.lock(principal, assignment_id)
            before = await self._rubrics.of(assignment_id)
            if_match.check(before.rev)
            rubric = Rubric.of(assignment_id, criteria, before.rev + 1)
            if not rubric.counts_as(before) and await self._grades.any(assignment_id):
                raise Conflict("work was graded by this rubric: only its texts change now", code="assignments.graded")
            await self._rubrics.write(rubric)
        return rubric
