"""How late graded work is, by the dates that hold now. It is derived at each read, so an extension heals it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.dates.late_policy import days_late
from modules.assignments.grading.records import Work
from modules.assignments.records import Assignment
from modules.assignments.submissions.authors import AuthorReader


class Lateness:
    """An attempt has one lateness for all whose work it is: that of the one who is due last.

    Those are the members of the group now, and those who were in it when it was turned in. So a grade is the same for
    all of a group, and nothing that was granted to one of them is lost when they leave.
    """

    def __init__(self, authors: AuthorReader, dates: EffectiveDateReader) -> None:
        self._authors = authors
        self._dates = dates

    async def owners(self, works: Collection[Work]) -> dict[str, list[str]]:
        """The ids of those who have the grade of each attempt, in their order, by attempt. At most one query."""
        groups = await self.groups(works)
        return {
            work.attempt_id: [work.user_id]
            if work.user_id is not None
            else sorted({*work.members, *groups.get(work.group_id or "", ())})
            for work in works
        }

    async def groups(self, works: Collection[Work]) -> dict[str, tuple[str, ...]]:
        """Who is in the groups of these attempts now, by group. At most one query."""
        return await self._authors.members({work.group_id for work in works if work.group_id is not None})

    async def of(self, assignments: Mapping[str, Assignment], works: Sequence[Work]) -> dict[str, int]:
        """How many days late each of these attempts is, by attempt; 0 is in time."""
        owners = await self.owners(works)
        terms = await self._terms(assignments, works, owners)
        found: dict[str, int] = {}
        for work in works:
            dues = [terms[work.assignment_id, user].dates.due for user in owners[work.attempt_id]]
            found[work.attempt_id] = min(days_late(work.counted_at, due) for due in dues)
        return found

    async def _terms(
        self, assignments: Mapping[str, Assignment], works: Sequence[Work], owners: Mapping[str, list[str]]
    ) -> dict[tuple[str, str], Terms]:
        users: dict[str, set[str]] = defaultdict(set)
        for work in works:
            users[work.assignment_id].update(owners[work.attempt_id])
        everybody = set().union(*users.values())
        return await self._dates.of_all([assignments[id] for id in users], everybody)
