"""What the routes of completion take and answer, and what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import LINE, Texts
from modules.assignments.completion.requirements import CompletionRule, Requirement, RequirementKind
from modules.assignments.decimals import Decimals, Percent

PROGRAM: Final = CompletionRule.example().program_id
ISSUED: Final = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class NewRule(Decimals, frozen=True, kw_only=True):
    """What is needed for the certificate, in percent; null asks for nothing. All null: nobody gets one."""

    lessons: Percent | None = None
    attendance: Percent | None = None
    grade: Percent | None = None

    @classmethod
    def example(cls) -> NewRule:
        return cls(lessons=Decimal("100.00"), attendance=Decimal("75.00"), grade=Decimal("40.00"))


class CertificateView(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, with the names that were right when it was issued. `reason` is why it was revoked."""

    id: str
    code: str
    program_id: str
    program_title: str
    user_id: str
    name: str
    issued_at: datetime
    revoked_at: datetime | None
    reason: str
    rev: int

    @classmethod
    def example(cls) -> CertificateView:
        return cls(
            id="01a2130d-48bf-7174-b972-596a06fb2380",
            code="7Q2VX-K9D3M-0W8TR-5YHJ6",
            program_id=PROGRAM,
            program_title="Algebra",
            user_id="sam",
            name="Sam Rao",
            issued_at=ISSUED,
            revoked_at=None,
            reason="",
            rev=1,
        )


CERTIFICATE: Final = PushType("assignments.certificate", CertificateView)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a student is on the way to the certificate. `certificate` is the one that is valid."""

    program_id: str
    user_id: str
    name: str
    requirements: tuple[Requirement, ...]
    complete: bool
    certificate: CertificateView | None = None

    @classmethod
    def example(cls) -> Standing:
        lessons = Requirement(
            kind=RequirementKind.LESSONS, needed=Decimal("100.00"), reached=Decimal("66.67"), met=False
        )
        return cls(program_id=PROGRAM, user_id="sam", name="Sam Rao", requirements=(lessons,), complete=False)


class NewCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """For whom to issue a certificate: a student who has met the rules of the program."""

    program_id: Id
    user_id: Id

    @classmethod
    def example(cls) -> NewCertificate:
        return cls(program_id=PROGRAM, user_id="sam")


class Revocation(Texts, frozen=True, kw_only=True):
    """Why a certificate is revoked; its holder reads it, and the verification page does not show it."""

    reason: Annotated[str, Meta(min_length=1, max_length=500), LINE]

    @classmethod
    def example(cls) -> Revocation:
        return cls(reason="The final essay was not the student's own work.")


class CertificateState(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"
    ERASED = "erased"
    """Its holder was deleted, and their name with them."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody who has the code may know. `name` is null when it was erased."""

    state: CertificateState
    name: str | None
    program_title: str
    issued_at: datetime
    revoked_at: datetime | None

    @classmethod
    def example(cls) -> Verification:
        return cls(
            state=CertificateState.VALID,
            name="Sam Rao",
            program_title="Algebra",
            issued_at=ISSUED,
            revoked_at=None,
        )
