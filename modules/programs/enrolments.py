"""Places and the waiting list. Everything that gives or frees a place holds the lock of the program's row."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from gateway.errors import BadInput, not_found
from gateway.module import Kernel
from modules.programs.errors import not_open, payment_required, too_many
from modules.programs.events import Enrolled, EnrolmentCancelled
from modules.programs.messages import EnrolmentView
from modules.programs.tables import Enrolment, Program

LOCK: Final = "SELECT id, state, price, capacity FROM program WHERE id = {} FOR UPDATE"
TAKEN: Final = "SELECT count(*) AS taken FROM program_enrolment WHERE program_id = {} AND state = 'enrolled'"
MINE: Final = """
    SELECT state, (
        SELECT count(*) FROM program_enrolment AS other
        WHERE other.program_id = mine.program_id AND other.state = 'waiting' AND other.id < mine.id
    ) AS ahead
    FROM program_enrolment AS mine WHERE program_id = {} AND user_id = {}
"""
ADD: Final = "INSERT INTO program_enrolment (program_id, user_id, state, payment_id) VALUES ({}, {}, {}, {})"
REMOVE: Final = "DELETE FROM program_enrolment WHERE program_id = {} AND user_id = {} RETURNING state, payment_id"
OWN: Final = """
    SELECT program_id, title, enrolled.state, enrolled.created_at
    FROM program_enrolment AS enrolled JOIN program ON program.id = program_id WHERE user_id = {} ORDER BY program_id
"""
PROMOTE: Final = """
    UPDATE program_enrolment SET state = 'enrolled' WHERE id IN (
        SELECT id FROM program_enrolment WHERE program_id = {} AND state = 'waiting' ORDER BY id LIMIT {}
    ) RETURNING user_id
"""


class Enrolments:
    """Who has a place in a program, and who waits for one."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def enrol(self, user_id: str, program_id: str) -> EnrolmentView:
        """Take a place of a free program, or one on its waiting list; done again it changes nothing.

        Raises BadInput `not_found`, Conflict `programs.not_open` and `programs.payment_required`.
        """
        return await self._enrol(user_id, program_id, None)

    async def enrol_paid(self, user_id: str, program_id: str, payment_id: str) -> EnrolmentView:
        """The same for who has paid, once for each user and program: what a listener of payments calls.

        Inside a listener it commits with the event. Who paid for a place that was taken meanwhile waits.
        """
        return await self._enrol(user_id, program_id, payment_id)

    async def _enrol(self, user_id: str, program_id: str, payment_id: str | None) -> EnrolmentView:
        async with self._kernel.database.transaction():
            program = await self._locked(program_id)
            if program["state"] == "draft":
                raise not_found("there is no such program")
            if await Program.raw(MINE, program_id, user_id):
                return await self._mine(user_id, program_id)
            if payment_id is None:
                if program["state"] != "published":
                    raise not_open()
                if program["price"] > 0:
                    raise payment_required()
            free = program["capacity"] is None or await self._taken(program_id) < program["capacity"]
            await Enrolment.raw(ADD, program_id, user_id, "enrolled" if free else "waiting", payment_id)
            if free:
                await self._kernel.events.publish(Enrolled(program_id, user_id))
            return await self._mine(user_id, program_id)

    async def read(self, user_id: str, program_id: str) -> EnrolmentView:
        with self._kernel.database.guard():
            return await self._mine(user_id, program_id)

    async def cancel(self, user_id: str, program_id: str) -> None:
        """Give the place back; the first of those who wait gets it in the same transaction."""
        async with self._kernel.database.transaction():
            program = await self._locked(program_id)
            removed = await Enrolment.raw(REMOVE, program_id, user_id)
            if not removed:
                raise not_found("you are not enrolled in this program")
            await self._kernel.events.publish(EnrolmentCancelled(program_id, user_id, removed[0]["payment_id"]))
            await self.fill(program_id, program["capacity"])

    async def of(self, user_id: str) -> list[dict[str, Any]]:
        """All places of a user, for an export."""
        places: list[dict[str, Any]] = await Enrolment.raw(OWN, user_id)
        return places

    async def forget(self, user_id: str) -> None:
        """Give all places of a user back, inside the transaction that deletes them."""
        # In one order: two who go at once do not wait for each other.
        for place in await self.of(user_id):
            with contextlib.suppress(BadInput):
                await self.cancel(user_id, place["program_id"])

    async def fill(self, program_id: str, capacity: int | None) -> None:
        """Give what places are free to who waits, in order; inside a transaction that holds the program's row.

        Raises Conflict `programs.over_capacity` when more have a place than there are.
        """
        free = None if capacity is None else capacity - await self._taken(program_id)
        if free is not None and free < 0:
            raise too_many()
        for row in await Enrolment.raw(PROMOTE, program_id, free):
            await self._kernel.events.publish(Enrolled(program_id, row["user_id"]))

    async def _locked(self, program_id: str) -> dict[str, Any]:
        for row in await Program.raw(LOCK, program_id):
            found: dict[str, Any] = row
            return found
        raise not_found("there is no such program")

    async def _taken(self, program_id: str) -> int:
        taken: int = (await Enrolment.raw(TAKEN, program_id))[0]["taken"]
        return taken

    async def _mine(self, user_id: str, program_id: str) -> EnrolmentView:
        for row in await Enrolment.raw(MINE, program_id, user_id):
            ahead = row["ahead"] if row["state"] == "waiting" else None
            return EnrolmentView(program_id, user_id, row["state"], ahead)
        raise not_found("you are not enrolled in this program")
