"""Sets and handles the timer of an assignment: it opens, who has not turned in is reminded, it closes.

Whoever changes a date calls `set` in the transaction of the change. The handler reads all dates anew, so one that fires
twice, or too early, does nothing wrong.

Whoever sets a timer locks the assignment's row, then that of its agenda, then the timer. So of two changes at once the
second one sees the dates of the first. The handler starts with its timer locked, so it must not wait for the other two:
when one of them is locked, it sets its timer anew for a moment later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from modules.accounts.facade import user_room
from modules.assignments.catalogue.agenda import last_closing, next_moment, opens, reminded
from modules.assignments.catalogue.agenda_repository import AgendaRepository
from modules.assignments.catalogue.date_messages import shown
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.handed_in import HandedIn
from modules.assignments.catalogue.messages import ASSIGNMENT, DUE_SOON, DueNotice
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.catalogue.views import view_of
from modules.assignments.dates.effective import EffectiveDates, effective_dates
from modules.assignments.events import AssignmentClosed, DueSoon
from modules.assignments.records import Assignment
from modules.assignments.settings import AssignmentsSettings
from modules.programs.facade import Part, parts_of, program_room, students_of

DATES: Final = "assignments.dates"
RETRY_AFTER: Final = timedelta(seconds=0.5)


class DatesDue(msgspec.Struct, frozen=True):
    """What the timer carries; everything else is read when it fires."""

    assignment_id: str


class DateTimer:
    pushes = (DUE_SOON,)

    def __init__(self, kernel: Kernel, settings: AssignmentsSettings) -> None:
        self._kernel = kernel
        self._leads = settings.leads
        self._assignments = AssignmentRepository(kernel.database)
        self._agenda = AgendaRepository(kernel.database)
        self._dates = EffectiveDateReader(kernel.database)
        self._handed_in = HandedIn(kernel.database)

    async def begin(self, assignment: Assignment) -> None:
        """Set the timer of an assignment that is published now; nobody is reminded of what was before."""
        await self._agenda.begin(assignment.id, clock.now())
        await self.set(assignment)

    async def set(self, assignment: Assignment) -> None:
        """Set the timer by all dates as they are; inside a transaction, once they are written."""
        agenda = await self._agenda.lock(assignment.id) if assignment.published else None
        if agenda is None:
            await self.cancel(assignment.id)
        else:
            await self._set(assignment, await self._all_dates(assignment), agenda.told_until)

    async def cancel(self, assignment_id: str) -> None:
        await self._kernel.schedules.cancel(DATES, assignment_id)

    @timer(DATES)
    async def act(self, due: DatesDue, delivery: Delivery) -> None:
        """Do what became due since the last time."""
        agenda = await self._agenda.lock_unless_locked(due.assignment_id)
        if agenda is None:
            if await self._agenda.exists(due.assignment_id):
                await self._again(due)
            return
        assignment = await self._assignments.find(due.assignment_id)
        if assignment is None or not assignment.published:
            return
        now, since = clock.now(), agenda.told_until
        dates = await self._all_dates(assignment)
        if opens(dates[""], since, now) and not await self._tell_opened(assignment):
            await self._again(due)
            return
        told = any(reminded(one, self._leads, since, now) for one in dates.values()) and await self._remind(
            assignment, dates, since, now, agenda.reminders + 1
        )
        closed = last_closing(dates.values())
        if closed is not None and since < closed <= now:
            await self._kernel.events.publish(AssignmentClosed(assignment.id, assignment.program_id))
        await self._agenda.told(assignment.id, now, reminded=told)
        await self._set(assignment, dates, now)

    async def _all_dates(self, assignment: Assignment) -> dict[str, EffectiveDates]:
        """The dates of those whom a grant reaches, by user; those of all others under an empty id."""
        special = await self._dates.special(assignment)
        plain = effective_dates(assignment.dates, assignment.late, None)
        return {"": plain, **{user: terms.dates for user, terms in special.items()}}

    async def _set(self, assignment: Assignment, dates: dict[str, EffectiveDates], after: datetime) -> None:
        moment = next_moment(dates.values(), self._leads, after)
        if moment is None:
            await self.cancel(assignment.id)
        else:
            await self._kernel.schedules.at(DATES, assignment.id, moment, DatesDue(assignment.id))

    async def _again(self, due: DatesDue) -> None:
        """Somebody changes it at this moment."""
        await self._kernel.schedules.at(DATES, due.assignment_id, clock.now() + RETRY_AFTER, due)

    async def _tell_opened(self, assignment: Assignment) -> bool:
        """Push it with a new revision, because students may read more of it; False when it is locked elsewhere."""
        locked = await self._assignments.lock_unless_locked(assignment.id)
        if locked is None:
            return False
        opened = msgspec.structs.replace(locked, rev=locked.rev + 1)
        await self._assignments.update(opened)
        await self._kernel.rooms.publish_row(program_room(opened.program_id), ASSIGNMENT, view_of(opened))
        return True

    async def _remind(
        self, assignment: Assignment, dates: dict[str, EffectiveDates], since: datetime, now: datetime, rev: int
    ) -> bool:
        """Remind the students who have not turned in, each by their own dates; whether there was one."""
        database = self._kernel.database
        known = {*await students_of(database, assignment.program_id)}
        known |= await self._handed_in.begun_by(assignment.id)
        open_ones = known - await self._handed_in.turned_in_by(assignment.id)
        told = False
        for user, part in sorted((await parts_of(database, sorted(open_ones), assignment.program_id)).items()):
            own = dates.get(user, dates[""])
            if part is not Part.STUDENT or not reminded(own, self._leads, since, now):
                continue
            due = shown(own.due)
            assert due is not None
            notice = DueNotice(assignment.id, assignment.program_id, assignment.title, due, own.rule, rev)
            await self._kernel.rooms.publish_row(user_room(user), DUE_SOON, notice)
            await self._kernel.events.publish(
                DueSoon(assignment.id, assignment.program_id, user, due.moment.isoformat())
            )
            told = True
        return told
