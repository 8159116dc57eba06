"""How many submissions of an assignment are turned in, live for those who teach it.

The count is made anew after each change, by a listener: nothing that is turned in waits for it, and it cannot drift.
A change that was counted with another one gives no push of its own.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database, Delivery, Kernel, PushType, listener
from gateway.principal import Principal
from modules.accounts.facade import user_room
from modules.assignments.access import AssignmentAccess
from modules.assignments.events import SubmissionReclaimed, SubmissionTurnedIn
from modules.assignments.submissions.messages import ID
from modules.programs.facade import mentors_of

# The row is locked before anything is counted, so that a later count is never replaced by an earlier one.
LOCK: Final = """
    INSERT INTO assignments_counter AS counter (assignment_id) VALUES ($1)
    ON CONFLICT (assignment_id) DO UPDATE SET turned_in = counter.turned_in
"""
COUNT: Final = """
    UPDATE assignments_counter AS counter SET turned_in = found.turned_in, rev = rev + 1
    FROM (
        SELECT count(*) AS turned_in FROM assignments_submission WHERE assignment_id = $1 AND attempt_id IS NOT NULL
    ) AS found
    WHERE counter.assignment_id = $1 AND counter.turned_in <> found.turned_in
    RETURNING counter.assignment_id, counter.turned_in, counter.rev
"""
READ: Final = "SELECT assignment_id, turned_in, rev FROM assignments_counter WHERE assignment_id = $1"


class Counted(msgspec.Struct, frozen=True):
    """How many submissions are turned in; also the push `assignments.counter`. The highest `rev` is the newest."""

    assignment_id: str
    turned_in: int
    rev: int

    @classmethod
    def example(cls) -> Counted:
        return cls(ID, 18, 19)


COUNTER: Final = PushType("assignments.counter", Counted)


class Counter:
    pushes = (COUNTER,)

    def __init__(self, kernel: Kernel, access: AssignmentAccess) -> None:
        self._kernel = kernel
        self._database: Database = kernel.database
        self._access = access

    async def read(self, principal: Principal, assignment_id: str) -> Counted:
        """For those who teach. Raises BadInput `not_found`, Refused `forbidden` and Unavailable."""
        assignment = await self._access.teaching(principal, assignment_id)
        for row in await self._database.fetch(READ, assignment.id):
            return msgspec.convert(dict(row), Counted)
        return Counted(assignment.id, 0, 0)

    @listener(SubmissionTurnedIn, "assignments.count_turned_in")
    async def count_turned_in(self, event: SubmissionTurnedIn, delivery: Delivery) -> None:
        await self._count(event.assignment_id, event.program_id)

    @listener(SubmissionReclaimed, "assignments.count_reclaimed")
    async def count_reclaimed(self, event: SubmissionReclaimed, delivery: Delivery) -> None:
        await self._count(event.assignment_id, event.program_id)

    async def _count(self, assignment_id: str, program_id: str) -> None:
        await self._database.fetch(LOCK, assignment_id)
        for row in await self._database.fetch(COUNT, assignment_id):
            counted = msgspec.convert(dict(row), Counted)
            for mentor in await mentors_of(self._database, program_id):
                await self._kernel.rooms.publish_row(user_room(mentor), COUNTER, counted)
