"""What programs tells other modules."""

from __future__ import annotations

from typing import Literal

import msgspec

Refusal = Literal["no_program", "not_open", "already_enrolled", "full"]


class ProgramPublished(msgspec.Struct, frozen=True, tag="programs.ProgramPublished"):
    """A program can be found, and takes students."""

    program_id: str


class ProgramArchived(msgspec.Struct, frozen=True, tag="programs.ProgramArchived"):
    """A program is over: it takes no more students."""

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


class PlaceRefused(msgspec.Struct, frozen=True, tag="programs.PlaceRefused"):
    """A payment came to no place, for whoever refunds."""

    program_id: str
    user_id: str
    payment_id: str
    reason: Refusal


class PartLost(msgspec.Struct, frozen=True, tag="programs.PartLost"):
    """A student lost the place, or a co-mentor is none any more: they leave what is for those who take part.

    They may take part in another way still, or again by now: `facade.part_of` knows.
    """

    program_id: str
    user_id: str
    part: Literal["student", "mentor"]


class ProgramCompleted(msgspec.Struct, frozen=True, tag="programs.ProgramCompleted"):
    """A student has completed every lesson there is: once for each, whatever is added later."""

    program_id: str
    user_id: str
