"""Issues certificates to those who have met all rules of a program: by itself, and when a mentor asks for it.

A fact about one student is followed by a look at that student; a fact about all of a program by a timer, which goes
through its students part by part. By itself a certificate is issued once: one that was revoked comes back only when
somebody who teaches issues it anew. Nobody loses one because a rule or a grade changed afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener, timer
from gateway.identifier import new_id
from modules.accounts.facade import user_room
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.completion.code import new_code
from modules.assignments.completion.messages import CERTIFICATE, CertificateView, Standing
from modules.assignments.completion.repository import CertificateRepository, RuleRepository
from modules.assignments.completion.standings import StandingReader
from modules.assignments.events import AssignmentClosed, CertificateIssued, GradeReleased, TotalsChanged
from modules.assignments.gradebook.book_reader import GradeBookReader
from modules.live.events import SessionEnded
from modules.programs.events import LessonCompleted, ProgramCompleted
from modules.programs.facade import offer

log = structlog.get_logger(__name__)

EVALUATE: Final = "assignments.evaluate"
# Several facts that come together are looked at once.
SOON: Final = timedelta(seconds=5)
# Students in one transaction of the timer.
PART: Final = 100


class EvaluationDue(msgspec.Struct, frozen=True):
    """What the timer `assignments.evaluate` carries: it goes on after this user id."""

    program_id: str
    after: str = ""


class Evaluation:
    """Each call raises Unavailable."""

    pushes = (CERTIFICATE,)

    def __init__(self, kernel: Kernel, book: GradeBookReader, standings: StandingReader) -> None:
        self._kernel = kernel
        self._book = book
        self._standings = standings
        self._assignments = AssignmentRepository(kernel.database)
        self._rules = RuleRepository(kernel.database)
        self._certificates = CertificateRepository(kernel.database)

    async def soon(self, program_id: str) -> None:
        """Look at all students of the program in a moment; inside a transaction, when that commits."""
        await self._kernel.schedules.at(EVALUATE, program_id, clock.now() + SOON, EvaluationDue(program_id))

    @timer(EVALUATE)
    async def evaluate_part(self, due: EvaluationDue, delivery: Delivery) -> None:
        users = [user for user in await self._book.students(due.program_id) if user > due.after]
        await self.evaluate(due.program_id, users[:PART])
        if len(users) > PART:
            rest = EvaluationDue(due.program_id, users[PART - 1])
            await self._kernel.schedules.at(EVALUATE, due.program_id, clock.now(), rest)

    @listener(GradeReleased, "assignments.evaluate_grade")
    async def on_grade(self, event: GradeReleased, delivery: Delivery) -> None:
        assignment = await self._assignments.find(event.assignment_id)
        if assignment is not None and assignment.anonymous:
            # With the last of its grades names are shown, and it counts for everybody.
            await self.soon(event.program_id)
        else:
            await self._evaluate_students(event.program_id, event.user_ids)

    @listener(AssignmentClosed, "assignments.evaluate_closed")
    async def on_closed(self, event: AssignmentClosed, delivery: Delivery) -> None:
        assignment = await self._assignments.find(event.assignment_id)
        if assignment is not None and assignment.anonymous:
            await self.soon(event.program_id)

    @listener(LessonCompleted, "assignments.evaluate_lesson")
    async def on_lesson(self, event: LessonCompleted, delivery: Delivery) -> None:
        await self._evaluate_students(event.program_id, [event.user_id])

    @listener(ProgramCompleted, "assignments.evaluate_program")
    async def on_program(self, event: ProgramCompleted, delivery: Delivery) -> None:
        # Also when a lesson that somebody had not completed was deleted.
        await self._evaluate_students(event.program_id, [event.user_id])

    @listener(SessionEnded, "assignments.evaluate_session")
    async def on_session(self, event: SessionEnded, delivery: Delivery) -> None:
        if (await self._rules.of(event.program_id)).attendance is not None:
            await self.soon(event.program_id)

    @listener(TotalsChanged, "assignments.evaluate_totals")
    async def on_totals(self, event: TotalsChanged, delivery: Delivery) -> None:
        if (await self._rules.of(event.program_id)).grade is not None:
            await self.soon(event.program_id)

    async def _evaluate_students(self, program_id: str, user_ids: Collection[str]) -> None:
        """Those of these users who are students of the program."""
        if (await self._rules.of(program_id)).asks:
            students = set(await self._book.students(program_id))
            await self.evaluate(program_id, sorted(students.intersection(user_ids)))

    async def evaluate(self, program_id: str, student_ids: Collection[str]) -> None:
        """Issue what these students have earned and never had; inside a transaction."""
        rule = await self._rules.of(program_id)
        if not rule.asks:
            return
        holders = await self._certificates.holders(program_id)
        wanted = [user for user in student_ids if user not in holders]
        if not wanted:
            return
        for standing in await self._standings.of(rule, wanted, clock.now()):
            if standing.complete:
                await self.issue(standing, anew=False)

    async def issue(self, standing: Standing, *, anew: bool) -> CertificateView | None:
        """Write, tell and push a certificate, inside a transaction.

        None when the student has a valid one or, without `anew`, has had any; and when they have no name to print, or
        the program is gone.
        """
        program = await offer(self._kernel.database, standing.program_id)
        if program is None or not standing.name:
            log.warning("assignments.certificate_not_issued", program=standing.program_id, user=standing.user_id)
            return None
        new = CertificateView(
            id=new_id(),
            code="",
            program_id=standing.program_id,
            program_title=program.title,
            user_id=standing.user_id,
            name=standing.name,
            issued_at=clock.now(),
            revoked_at=None,
            reason="",
            rev=1,
        )
        issued = await self._certificates.issue(new, new_code(), anew=anew)
        if issued is not None:
            event = CertificateIssued(issued.id, issued.program_id, issued.user_id)
            await self._kernel.events.publish(event)
            await self._kernel.rooms.publish_row(user_room(issued.user_id), CERTIFICATE, issued)
        return issued
