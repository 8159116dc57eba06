"""What programs tells other modules."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

Refusal = Literal["no_program", "not_open", "already_enrolled", "full", "banned", "no_user"]


class ProgramPublished(msgspec.Struct, frozen=True, tag="programs.ProgramPublished"):
    """The program is in the catalogue and takes enrolments."""

    program_id: str


class ProgramArchived(msgspec.Struct, frozen=True, tag="programs.ProgramArchived"):
    """The program is out of the catalogue and takes no enrolments."""

    program_id: str


class Enrolled(msgspec.Struct, frozen=True, tag="programs.Enrolled"):
    """A user has a place: at once, by payment, or from the waiting list."""

    program_id: str
    user_id: str
    at: datetime | None = None


class EnrolmentCancelled(msgspec.Struct, frozen=True, tag="programs.EnrolmentCancelled"):
    """A place, or one on the waiting list, was given back or taken. `payment_id` paid for it and is to be refunded.

    `expelled`: a mentor took it, the user did not give it back.
    """

    program_id: str
    user_id: str
    payment_id: str | None = None
    expelled: bool = False


class PlaceRefused(msgspec.Struct, frozen=True, tag="programs.PlaceRefused"):
    """A payment got no place; for the module that refunds."""

    program_id: str
    user_id: str
    payment_id: str
    reason: Refusal


class PartLost(msgspec.Struct, frozen=True, tag="programs.PartLost"):
    """A student lost the place, or a mentor made somebody a co-mentor no more.

    The user may take part in another way, or again by now: `facade.part_of` says so.
    """

    program_id: str
    user_id: str
    part: Literal["student", "mentor"]


class LessonCompleted(msgspec.Struct, frozen=True, tag="programs.LessonCompleted"):
    """A student has completed a lesson, for the first time."""

    program_id: str
    lesson_id: str
    user_id: str
    at: datetime | None = None


class ProgramCompleted(msgspec.Struct, frozen=True, tag="programs.ProgramCompleted"):
    """A student has completed every lesson there is; published once for each student, whatever is added later."""

    program_id: str
    user_id: str
    at: datetime | None = None


class LessonAdded(msgspec.Struct, frozen=True, tag="programs.LessonAdded"):
    """The curriculum of a program has another lesson."""

    program_id: str
    lesson_id: str


class LessonRemoved(msgspec.Struct, frozen=True, tag="programs.LessonRemoved"):
    """A lesson was deleted, with what students have done of it."""

    program_id: str
    lesson_id: str


EVENTS: Final = (
    ProgramPublished,
    ProgramArchived,
    Enrolled,
    EnrolmentCancelled,
    PlaceRefused,
    PartLost,
    LessonCompleted,
    ProgramCompleted,
    LessonAdded,
    LessonRemoved,
)
