"""What programs tells other modules."""

from __future__ import annotations

import msgspec


class ProgramPublished(msgspec.Struct, frozen=True, tag="programs.ProgramPublished"):
    program_id: str


class ProgramArchived(msgspec.Struct, frozen=True, tag="programs.ProgramArchived"):
    program_id: str


class Enrolled(msgspec.Struct, frozen=True, tag="programs.Enrolled"):
    """A user has a place: at once, by payment, or from the waiting list."""

    program_id: str
    user_id: str


class EnrolmentCancelled(msgspec.Struct, frozen=True, tag="programs.EnrolmentCancelled"):
    """`payment_id` is what paid for it, for whoever refunds."""

    program_id: str
    user_id: str
    payment_id: str | None = None
