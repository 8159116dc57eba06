"""Certificates: who reads, issues and revokes them, and what everybody may verify."""

from __future__ import annotations

import asyncio

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict, not_found
from gateway.http.listing import Page, Span
from gateway.principal import Author, Principal, Role
from modules.accounts.facade import record, user_room
from modules.assignments.access import AssignmentAccess
from modules.assignments.completion.code import typed
from modules.assignments.completion.document import certificate_pdf
from modules.assignments.completion.evaluation import Evaluation
from modules.assignments.completion.labels import Language
from modules.assignments.completion.messages import (
    CERTIFICATE,
    CertificateState,
    CertificateView,
    NewCertificate,
    Revocation,
    Standing,
    Verification,
)
from modules.assignments.completion.repository import CertificateRepository, RuleRepository
from modules.assignments.completion.standings import StandingReader
from modules.assignments.events import CertificateRevoked
from modules.assignments.gradebook.book_reader import GradeBookReader
from modules.assignments.settings import CertificateSettings
from modules.programs.facade import Part, part_of


class Certificates:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(
        self,
        kernel: Kernel,
        settings: CertificateSettings,
        access: AssignmentAccess,
        book: GradeBookReader,
        standings: StandingReader,
        evaluation: Evaluation,
    ) -> None:
        self._kernel = kernel
        self._zone = settings.certificate_zone
        self._access = access
        self._book = book
        self._standings = standings
        self._evaluation = evaluation
        self._rules = RuleRepository(kernel.database)
        self._certificates = CertificateRepository(kernel.database)

    async def standing(self, principal: Principal, program_id: str) -> Standing:
        """The user's own."""
        await self._access.in_program(principal, program_id)
        rule = await self._rules.of(program_id)
        (standing,) = await self._standings.of(rule, [principal.id], clock.now())
        return standing

    async def all_standings(self, principal: Principal, program_id: str, span: Span) -> Page[Standing]:
        """Everybody's, by user id. Raises Refused `forbidden` for students, and BadInput `invalid` for a cursor."""
        await self._access.teaches_program(principal, program_id)
        users = await self._book.page(program_id, span)
        rule = await self._rules.of(program_id)
        return Page(await self._standings.of(rule, users.items, clock.now()), users.next)

    async def evaluate(self, principal: Principal, program_id: str) -> None:
        """Look at all students of the program now. Raises Refused `forbidden` for students."""
        await self._access.teaches_program(principal, program_id)
        await self._evaluation.soon(program_id)

    async def issue(self, principal: Principal, new: NewCertificate) -> CertificateView:
        """The student's certificate: the valid one there is, or a new one, also after one was revoked.

        Raises Refused `forbidden`, and Conflict `assignments.not_completed`.
        """
        await self._access.teaches_program(principal, new.program_id)
        if new.user_id not in await self._book.students(new.program_id):
            raise not_found("there is no such student in the program")
        async with self._kernel.database.transaction():
            rule = await self._rules.of(new.program_id)
            (standing,) = await self._standings.of(rule, [new.user_id], clock.now())
            if standing.certificate is not None:
                return standing.certificate
            issued = await self._evaluation.issue(standing, anew=True) if standing.complete else None
            if issued is not None:
                details = {"certificate": issued.id, "program": issued.program_id}
                await record(self._kernel.database, principal, "assignments.issue_certificate", issued.user_id, details)
                return issued
        # Somebody else may have issued it in the same moment.
        valid = await self._certificates.valid(new.program_id, [new.user_id])
        if (certificate := valid.get(new.user_id)) is None:
            raise Conflict(
                "the student has not met the rules of the program, or has no name to print",
                code="assignments.not_completed",
            )
        return certificate

    async def own(self, principal: Principal, span: Span) -> Page[CertificateView]:
        """The user's own, of all programs, newest first."""
        return await self._certificates.of_user(principal.id, span)

    async def of_program(self, principal: Principal, program_id: str, span: Span) -> Page[CertificateView]:
        """Those of a program, newest first. Raises Refused `forbidden` for students."""
        await self._access.teaches_program(principal, program_id)
        return await self._certificates.of_program(program_id, span)

    async def read(self, principal: Principal, id: str) -> CertificateView:
        """For its holder, those who teach the program, and admins."""
        certificate = await self._certificates.find(id)
        if certificate is None or not await self._sees(principal, certificate):
            raise _unknown()
        return certificate

    async def pdf(self, principal: Principal, id: str, address: str, language: Language) -> bytes:
        """The PDF; the same bytes each time. Codes are verified at `address`, which may be empty.

        Raises Conflict `assignments.certificate_void`.
        """
        certificate = await self.read(principal, id)
        if state_of(certificate) is not CertificateState.VALID:
            raise _void()
        return await asyncio.to_thread(
            certificate_pdf,
            code=certificate.code,
            name=certificate.name,
            program=certificate.program_title,
            issued_at=certificate.issued_at,
            zone=self._zone,
            address=f"{address}{certificate.code}" if address else "",
            language=language,
        )

    async def revoke(self, principal: Principal, id: str, revocation: Revocation) -> CertificateView:
        """From now on its page says that it was revoked.

        Raises Refused `forbidden` for its holder, Conflict `assignments.certificate_void`, and what filters raise.
        """
        await self._kernel.filters.check(revocation, Author.of(principal))
        async with self._kernel.database.transaction():
            before = await self._certificates.lock(id)
            if before is None or not await self._sees(principal, before):
                raise _unknown()
            await self._access.teaches_program(principal, before.program_id)
            if before.revoked_at is not None:
                raise _void()
            certificate = await self._certificates.revoke(id, clock.now(), principal.id, revocation.reason)
            details = {"certificate": id, "program": certificate.program_id}
            await record(
                self._kernel.database, principal, "assignments.revoke_certificate", certificate.user_id, details
            )
            event = CertificateRevoked(certificate.id, certificate.program_id, certificate.user_id)
            await self._kernel.events.publish(event)
            await self._kernel.rooms.publish_row(user_room(certificate.user_id), CERTIFICATE, certificate)
        return certificate

    async def verify(self, code: str) -> Verification:
        """What everybody may know who has the code."""
        certificate = await self._certificates.by_code(typed(code))
        if certificate is None:
            raise not_found("there is no certificate with this code")
        return Verification(
            state=state_of(certificate),
            name=certificate.name or None,
            program_title=certificate.program_title,
            issued_at=certificate.issued_at,
            revoked_at=certificate.revoked_at,
        )

    async def _sees(self, principal: Principal, certificate: CertificateView) -> bool:
        if principal.role is Role.ADMIN or certificate.user_id == principal.id:
            return True
        return await part_of(self._kernel.database, principal, certificate.program_id) is Part.MENTOR


def state_of(certificate: CertificateView) -> CertificateState:
    """A certificate that was revoked stays so when its holder is deleted."""
    if certificate.revoked_at is not None:
        return CertificateState.REVOKED
    return CertificateState.VALID if certificate.name else CertificateState.ERASED


def _unknown() -> Exception:
    return not_found("there is no such certificate")


def _void() -> Exception:
    return Conflict("this certificate does not hold any more", code="assignments.certificate_void")
