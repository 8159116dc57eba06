"""Who marks what, and what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.principal import Principal
from modules.accounts.facade import students_among
from modules.assignments.access import AssignmentAccess
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.marking_repository import MarkingRepository
from modules.assignments.grading.messages import MarkerChanges, Markings, NewSplit, NextUngraded
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.records import Assignment
from modules.assignments.settings import GradingSettings
from modules.programs.facade import mentors_of


class Markers:
    """Markers divide the work. Who marks is no right of its own: all who teach may mark all but their own.

    Each call raises BadInput `not_found`, Refused `forbidden` for students, and Unavailable.
    """

    def __init__(
        self,
        kernel: Kernel,
        settings: GradingSettings,
        access: AssignmentAccess,
        grades: GradeRepository,
        views: GradeViews,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._grades = grades
        self._views = views
        self._marking = MarkingRepository(kernel.database)

    async def listed(self, principal: Principal, assignment_id: str, *, mine: bool) -> Markings:
        """All that was turned in, or what the user is to mark."""
        assignment = await self._access.teaching(principal, assignment_id)
        markers = await self._marking.markers(assignment_id)
        works = await self._grades.of_assignment(assignment_id)
        if mine:
            works = [work for work in works if markers.get(work.submission_id) == principal.id]
        return Markings(await self._views.markings(assignment, works, markers, clock.now()))

    async def next(self, principal: Principal, assignment_id: str, skipped: Collection[str]) -> NextUngraded:
        """What the user marks next. Others are given another one for a while, as long as there are others."""
        assignment = await self._access.teaching(principal, assignment_id)
        now, mentors = clock.now(), await self._mentors(assignment)
        async with self._kernel.database.transaction():
            found = await self._marking.next(assignment_id, principal.id, mentors, now, skipped)
            if found is not None:
                until = now + timedelta(seconds=self._settings.marking_seconds)
                await self._marking.claim(found, principal.id, until)
        left = await self._marking.left(assignment_id, principal.id, mentors)
        counting = [] if found is None else await self._grades.counting(assignment_id, [found])
        works = await self._grades.works(counting)
        grade = [await self._views.grade(assignment, work, now) for work in works.values()]
        return NextUngraded(grade[0] if grade else None, left)

    async def assign(self, principal: Principal, assignment_id: str, changes: MarkerChanges) -> Markings:
        """Say who is to mark these. Raises BadInput `invalid` for who does not teach the program."""
        async with self._kernel.database.transaction():
            assignment = await self._access.lock(principal, assignment_id)
            ids = [change.submission_id for change in changes.items]
            if unknown := {*ids} - await self._marking.among(assignment_id, ids):
                raise invalid(f"there is no submission {min(unknown)}", field="items")
            given = {one.submission_id: one.marker_id for one in changes.items if one.marker_id is not None}
            await self._check_markers(assignment, set(given.values()))
            await self._marking.assign(given, clock.now())
            await self._marking.unassign([one.submission_id for one in changes.items if one.marker_id is None])
        return await self.listed(principal, assignment_id, mine=False)

    async def split(self, principal: Principal, assignment_id: str, new: NewSplit) -> Markings:
        """Give what nobody is to mark yet to these, so that each has as much as the others; raises as `assign`."""
        async with self._kernel.database.transaction():
            assignment = await self._access.lock(principal, assignment_id)
            mentors = await self._mentors(assignment)
            markers = mentors if new.marker_ids is None else new.marker_ids
            if new.marker_ids is not None:
                await self._check_markers(assignment, set(markers))
            if not markers:
                raise invalid("nobody teaches this program", field="marker_ids")
            held = await self._marking.markers(assignment_id)
            given = evenly(await self._marking.without(assignment_id, mentors), markers, list(held.values()))
            await self._marking.assign(given, clock.now())
        return await self.listed(principal, assignment_id, mine=False)

    async def _check_markers(self, assignment: Assignment, marker_ids: set[str]) -> None:
        if unknown := marker_ids - {*await self._mentors(assignment)}:
            raise invalid(f"{min(unknown)} does not teach this program", field="marker_ids")

    async def _mentors(self, assignment: Assignment) -> list[str]:
        named = await mentors_of(self._kernel.database, assignment.program_id)
        return sorted({*named} - await students_among(self._kernel.database, named))


def evenly(submissions: Sequence[str], markers: Sequence[str], held: Sequence[str]) -> dict[str, str]:
    """Each submission's marker: always one of those who have the least, counting what each holds already."""
    counts = Counter(dict.fromkeys(markers, 0))
    counts.update(marker for marker in held if marker in counts)
    given: dict[str, str] = {}
    for submission in submissions:
        marker = min(markers, key=lambda one: (counts[one], one))
        given[submission] = marker
        counts[marker] += 1
    return given
