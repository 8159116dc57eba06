"""Tells students whose dates have changed, and sets the timers anew: after a grant, or a change of a group."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.contract import Kernel
from modules.accounts.facade import user_room
from modules.assignments.catalogue.date_messages import shown
from modules.assignments.catalogue.date_timer import DateTimer
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.catalogue.grant_messages import OWN_DATES, OwnDates
from modules.assignments.catalogue.grant_repository import GrantRepository
from modules.assignments.catalogue.group_repository import GroupRepository
from modules.assignments.events import DatesChanged, TotalsChanged
from modules.assignments.records import Assignment

# The terms of users for assignments, by both ids.
AllTerms = dict[tuple[str, str], Terms]


class OwnDatesPushes:
    """Each call raises Unavailable."""

    pushes = (OWN_DATES,)

    def __init__(self, kernel: Kernel, timer: DateTimer) -> None:
        self._kernel = kernel
        self._timer = timer
        self._dates = EffectiveDateReader(kernel.database)
        self._grants = GrantRepository(kernel.database)
        self._groups = GroupRepository(kernel.database)

    async def reached(self, assignment: Assignment, user_id: str) -> list[str]:
        """Those whom a grant of this user reaches: themselves, and the others of their group now."""
        if assignment.group_set_id is None:
            return [user_id]
        return sorted({user_id, *await self._groups.mates(assignment.group_set_id, user_id)})

    async def terms(self, assignments: Sequence[Assignment], user_ids: Collection[str]) -> AllTerms:
        """What holds now; to be compared by `changed` once the change is written."""
        return await self._dates.of_all(assignments, user_ids)

    async def changed(self, assignments: Sequence[Assignment], user_ids: Collection[str], before: AllTerms) -> None:
        """Tell each of these users of those published assignments in which something else holds for them now.

        Inside the transaction of the change. The assignments must be in the order of their ids, as all lock them.
        """
        published = [one for one in assignments if one.published]
        after = await self._dates.of_all(published, user_ids)
        programs: set[str] = set()
        for assignment in published:
            altered = [
                user for user in sorted(user_ids) if after[assignment.id, user] != before.get((assignment.id, user))
            ]
            if altered:
                await self._timer.set(assignment)
                await self._kernel.events.publish(DatesChanged(assignment.id, assignment.program_id, tuple(altered)))
                programs.add(assignment.program_id)
            for user in altered:
                await self._push(assignment, user, after[assignment.id, user])
        for program in sorted(programs):
            # What is late in another way counts in another way.
            await self._kernel.events.publish(TotalsChanged(program))

    async def _push(self, assignment: Assignment, user_id: str, terms: Terms) -> None:
        dates = terms.dates
        own = OwnDates(
            assignment.id,
            assignment.program_id,
            shown(dates.opens),
            shown(dates.due),
            shown(dates.closes),
            dates.rule,
            dates.closes_rule,
            terms.attempts,
            await self._grants.next_dates_rev(),
        )
        await self._kernel.rooms.publish_row(user_room(user_id), OWN_DATES, own)
