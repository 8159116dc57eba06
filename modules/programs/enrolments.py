"""Places and the waiting list. Everything that gives or frees a place holds the lock of the program's row."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from gateway.contract import Kernel
from gateway.errors import BadInput, not_found
from gateway.principal import Principal
from modules.payments.events import PaymentCaptured, PaymentRefunded
from modules.programs.access import locked
from modules.programs.errors import not_open, payment_required, payment_reused, too_many
from modules.programs.events import Enrolled, EnrolmentCancelled, PartLost, PlaceRefused, Refusal
from modules.programs.messages import EnrolmentView
from modules.programs.tables import Enrolment, Payment, Program

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
OWN: Final = "SELECT program_id FROM program_enrolment WHERE user_id = {} ORDER BY program_id"
PAID_WITH: Final = "SELECT FROM program_enrolment WHERE program_id = {} AND user_id = {} AND payment_id = {}"
DECIDE: Final = """
    INSERT INTO program_payment (payment_id, program_id, user_id) VALUES ({}, {}, {})
    ON CONFLICT DO NOTHING RETURNING payment_id
"""
DECIDED: Final = "SELECT FROM program_payment WHERE payment_id = {} AND program_id = {} AND user_id = {}"
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
        async with self._kernel.database.transaction():
            program = await self._locked(program_id)
            if program["state"] == "draft":
                raise not_found("there is no such program")
            if await Program.raw(MINE, program_id, user_id):
                return await self._mine(user_id, program_id)
            if program["state"] != "published":
                raise not_open()
            if program["price"] > 0:
                raise payment_required()
            await self._add(user_id, program_id, await self._free(program), None)
            return await self._mine(user_id, program_id)

    async def take_paid(self, payment: PaymentCaptured) -> None:
        """Give who has paid a place, or tell who refunds that there is none; each payment is decided about once.

        Inside the transaction of a listener. Raises Conflict `programs.payment_reused` for a payment that was for
        another place: whose money it is, a person must find out.
        """
        if not await self._undecided(payment):
            return
        reason = await self._refusal(payment)
        if reason is None:
            await self._add(payment.user_id, payment.program_id, True, payment.payment_id)
        else:
            refused = PlaceRefused(payment.program_id, payment.user_id, payment.payment_id, reason)
            await self._kernel.events.publish(refused)

    async def take_refunded(self, payment: PaymentRefunded) -> None:
        """Take back the place that was paid for, if it was not already; inside the transaction of a listener.

        A refund that comes before its payment settles that too. Raises Conflict `programs.payment_reused`.
        """
        await self._undecided(payment)
        for program in await Program.raw(LOCK, payment.program_id):
            if await Enrolment.raw(PAID_WITH, payment.program_id, payment.user_id, payment.payment_id):
                await self._remove(payment.user_id, program, refunded=True)

    async def read(self, user_id: str, program_id: str) -> EnrolmentView:
        with self._kernel.database.guard():
            return await self._mine(user_id, program_id)

    async def cancel(self, user_id: str, program_id: str) -> None:
        """Give the place back; the first of those who wait gets it in the same transaction."""
        async with self._kernel.database.transaction():
            if not await self._remove(user_id, await self._locked(program_id)):
                raise not_found("you are not enrolled in this program")

    async def expel(self, principal: Principal, program_id: str, user_id: str) -> None:
        """The same for a student or who waits, by the program's mentors."""
        async with self._kernel.database.transaction():
            await locked(self._kernel.database, principal, program_id)
            if not await self._remove(user_id, await self._locked(program_id)):
                raise not_found("this user is not enrolled in the program")

    async def forget(self, user_id: str) -> None:
        """Give all places of a user back, inside the transaction that deletes them."""
        # In one order: two who go at once do not wait for each other.
        for place in await Enrolment.raw(OWN, user_id):
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

    async def _add(self, user_id: str, program_id: str, free: bool, payment_id: str | None) -> None:
        await Enrolment.raw(ADD, program_id, user_id, "enrolled" if free else "waiting", payment_id)
        if free:
            await self._kernel.events.publish(Enrolled(program_id, user_id))

    async def _remove(self, user_id: str, program: dict[str, Any], *, refunded: bool = False) -> bool:
        """Whether there was something to remove; the program's row is locked."""
        program_id = program["id"]
        removed = await Enrolment.raw(REMOVE, program_id, user_id)
        if not removed:
            return False
        payment_id = None if refunded else removed[0]["payment_id"]
        await self._kernel.events.publish(EnrolmentCancelled(program_id, user_id, payment_id))
        if removed[0]["state"] == "enrolled":
            await self._kernel.events.publish(PartLost(program_id, user_id, "student"))
        await self.fill(program_id, program["capacity"])
        return True

    async def _undecided(self, payment: PaymentCaptured | PaymentRefunded) -> bool:
        """Whether nothing was decided about this payment before; from now on something is."""
        place = payment.program_id, payment.user_id
        if await Payment.raw(DECIDE, payment.payment_id, *place):
            return True
        if not await Payment.raw(DECIDED, payment.payment_id, *place):
            raise payment_reused()
        return False

    async def _refusal(self, payment: PaymentCaptured) -> Refusal | None:
        """Why who has paid gets no place; None, with the program's row locked, when they do."""
        for program in await Program.raw(LOCK, payment.program_id):
            if program["state"] != "published":
                return "not_open"
            for known in await Enrolment.raw(MINE, payment.program_id, payment.user_id):
                return "already_enrolled" if known["state"] == "enrolled" else "full"
            return None if await self._free(program) else "full"
        return "no_program"

    async def _free(self, program: dict[str, Any]) -> bool:
        return program["capacity"] is None or await self._taken(program["id"]) < program["capacity"]

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
