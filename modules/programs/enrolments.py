"""Places and the waiting list. Everything that gives or frees a place holds the lock of the program's row."""

from __future__ import annotations

import contextlib
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import BadInput, not_found
from gateway.principal import Principal
from modules.accounts.events import UserUnblocked
from modules.accounts.facade import deleted_among, kept_out_among
from modules.payments.events import DisputeLost, PaymentCaptured, PaymentRefunded
from modules.programs.access import ProgramAccess
from modules.programs.enrolment_repository import EnrolmentRepository, LockedProgram
from modules.programs.errors import banned, not_open, payment_required, payment_reused, too_many
from modules.programs.events import Enrolled, EnrolmentCancelled, PartLost, PlaceRefused, Refusal
from modules.programs.messages import EnrolmentView
from modules.programs.states import PlaceState, ProgramState

# Those on a waiting list who are looked at together.
AT_ONCE: Final = 1000


class Enrolments:
    """Who has a place in a program, and who waits for one."""

    def __init__(self, kernel: Kernel, places: EnrolmentRepository, access: ProgramAccess) -> None:
        self._kernel = kernel
        self._places = places
        self._access = access

    async def enrol(self, user: str, program_id: str) -> EnrolmentView:
        """Take a place of a free program, or one on its waiting list; done again it changes nothing.

        Raises BadInput `not_found`, Refused `programs.banned`, and Conflict `programs.not_open` and
        `programs.payment_required`.
        """
        async with self._kernel.database.transaction():
            program = await self._locked(program_id)
            if program.state is ProgramState.DRAFT:
                raise not_found("there is no such program")
            if await self._places.banned_among(program_id, [user]):
                raise banned()
            if (place := await self._places.place(program_id, user)) is not None:
                if place.state is PlaceState.ENROLLED:
                    return place
                await self.fill(program)
                return await self.read(user, program_id)
            if program.state is not ProgramState.PUBLISHED:
                raise not_open()
            if program.price > 0:
                raise payment_required()
            free = await self._has_free_place(program)
            await self._add(user, program_id, PlaceState.ENROLLED if free else PlaceState.WAITING)
            return await self.read(user, program_id)

    @listener(PaymentCaptured, "programs.paid")
    async def take_paid(self, payment: PaymentCaptured, delivery: Delivery) -> None:
        """Give the user who has paid a place, or publish that there is none; each payment is decided once.

        Raises Conflict `programs.payment_reused` for a payment that was for another place: a person must find out whose
        money it is.
        """
        if not await self._undecided(payment):
            return
        reason = await self._refusal(payment)
        if reason is None:
            # Who waits since the program was free leaves the waiting list with that.
            await self._places.remove(payment.program_id, payment.user_id)
            await self._add(payment.user_id, payment.program_id, PlaceState.ENROLLED, payment.payment_id)
        else:
            refused = PlaceRefused(payment.program_id, payment.user_id, payment.payment_id, reason)
            await self._kernel.events.publish(refused)

    @listener(PaymentRefunded, "programs.refunded")
    async def take_refunded(self, payment: PaymentRefunded, delivery: Delivery) -> None:
        """Take back the place that the payment paid for, if all of the money went back and the user still has it.

        A part of the money, or a refund that keeps the place, changes nothing here. A refund that comes before its
        payment decides that one too. Raises Conflict `programs.payment_reused`.
        """
        if payment.full and not payment.keep_place:
            await self._take_back(payment)

    @listener(DisputeLost, "programs.dispute_lost")
    async def take_disputed(self, payment: DisputeLost, delivery: Delivery) -> None:
        """Take back the place whose price the payer's bank took back, as for a refund.

        Raises Conflict `programs.payment_reused`.
        """
        if payment.full and not payment.keep_place:
            await self._take_back(payment)

    async def read(self, user: str, program_id: str) -> EnrolmentView:
        """Raises BadInput `not_found` and Unavailable."""
        place = await self._places.place(program_id, user)
        if place is None:
            raise not_found("you are not enrolled in this program")
        return place

    async def cancel(self, user: str, program_id: str) -> None:
        """Give the place back; the first of those who wait gets it in the same transaction.

        Raises BadInput `not_found` and Unavailable.
        """
        async with self._kernel.database.transaction():
            if not await self._remove(user, await self._locked(program_id)):
                raise not_found("you are not enrolled in this program")

    async def expel(self, principal: Principal, program_id: str, user: str) -> None:
        """Take a student's place, or a user who waits off the list; for the program's mentors.

        Raises BadInput `not_found`, Refused `forbidden` and Unavailable.
        """
        async with self._kernel.database.transaction():
            await self._access.lock(principal, program_id)
            if not await self._remove(user, await self._locked(program_id), expelled=True):
                raise not_found("this user is not enrolled in the program")

    async def forget(self, user: str) -> None:
        """Give all places of a user back, inside the transaction that deletes them."""
        # All deletions take the programs in one order, so no two of them wait for each other.
        for program_id in await self._places.programs_of(user):
            with contextlib.suppress(BadInput):
                await self.cancel(user, program_id)

    @listener(UserUnblocked, "programs.user_unblocked")
    async def stop_passing_over(self, unblocked: UserUnblocked, delivery: Delivery) -> None:
        """Give the user the places that stayed free while they were passed over."""
        # All transactions that lock several programs do it in one order, so no two of them wait for each other.
        for program_id in await self._places.waited_for(unblocked.user_id):
            await self.fill(await self._locked(program_id))

    async def fill(self, program: LockedProgram) -> None:
        """Give free places to those who wait, in order; inside a transaction that holds the program's row.

        Only while the program takes enrolments for nothing: nobody gets a place here that `enrol` would not give them.
        Whoever is blocked or banned is passed over, and stays on the list. Raises Conflict `programs.over_capacity`
        when more places are taken than there are.
        """
        free = None if program.capacity is None else program.capacity - await self._places.count_taken(program.id)
        if free is not None and free < 0:
            raise too_many()
        if program.state is not ProgramState.PUBLISHED or program.price > 0:
            return
        last = 0
        while free is None or free > 0:
            waiting = await self._places.waiting(program.id, last, AT_ONCE)
            if not waiting:
                return
            last = waiting[-1].id
            users = [one.user_id for one in waiting]
            kept_out = await kept_out_among(self._kernel.database, users)
            kept_out |= await self._places.banned_among(program.id, users)
            admitted = [one.user_id for one in waiting if one.user_id not in kept_out][:free]
            await self._places.promote(program.id, admitted)
            for user in admitted:
                await self._kernel.events.publish(Enrolled(program.id, user, clock.now()))
            free = None if free is None else free - len(admitted)

    async def _add(self, user: str, program_id: str, state: PlaceState, payment_id: str | None = None) -> None:
        at = await self._places.add(program_id, user, state, payment_id)
        if state is PlaceState.ENROLLED:
            await self._kernel.events.publish(Enrolled(program_id, user, at))

    async def _remove(
        self, user: str, program: LockedProgram, *, refunded: bool = False, expelled: bool = False
    ) -> bool:
        """Whether there was something to remove."""
        removed = await self._places.remove(program.id, user)
        if removed is None:
            return False
        payment_id = None if refunded else removed.payment_id
        await self._kernel.events.publish(EnrolmentCancelled(program.id, user, payment_id, expelled))
        if removed.state is PlaceState.ENROLLED:
            await self._kernel.events.publish(PartLost(program.id, user, "student"))
        await self.fill(program)
        return True

    async def _take_back(self, payment: PaymentRefunded | DisputeLost) -> None:
        await self._undecided(payment)
        program = await self._places.lock_program(payment.program_id)
        if program is None:
            return
        if await self._places.is_paid_with(payment.program_id, payment.user_id, payment.payment_id):
            await self._remove(payment.user_id, program, refunded=True)

    async def _undecided(self, payment: PaymentCaptured | PaymentRefunded | DisputeLost) -> bool:
        """Whether the payment was not decided before; now it is. Raises Conflict when it was for another place."""
        key = payment.payment_id, payment.program_id, payment.user_id
        if await self._places.decide(*key):
            return True
        if not await self._places.was_decided(*key):
            raise payment_reused()
        return False

    async def _refusal(self, payment: PaymentCaptured) -> Refusal | None:
        """Why the user who has paid gets no place; None, with the program's row locked, when they do."""
        program = await self._places.lock_program(payment.program_id)
        if program is None:
            return "no_program"
        if program.state is not ProgramState.PUBLISHED:
            return "not_open"
        if await self._places.banned_among(program.id, [payment.user_id]):
            return "banned"
        if await deleted_among(self._kernel.database, [payment.user_id]):
            return "no_user"
        place = await self._places.place(payment.program_id, payment.user_id)
        if place is not None and place.state is PlaceState.ENROLLED:
            return "already_enrolled"
        return None if await self._has_free_place(program) else "full"

    async def _has_free_place(self, program: LockedProgram) -> bool:
        return program.capacity is None or await self._places.count_taken(program.id) < program.capacity

    async def _locked(self, program_id: str) -> LockedProgram:
        program = await self._places.lock_program(program_id)
        if program is None:
            raise not_found("there is no such program")
        return program
