"""What the routes of extensions and accommodations take and answer, and what is pushed to the student."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import TEXT, Texts
from modules.assignments.catalogue.date_messages import DateView, NewDate
from modules.assignments.catalogue.messages import AT, DUE, EXAMPLE, PROGRAM
from modules.assignments.dates.effective import Rule

ExtraAttempts = Annotated[int, Meta(ge=0, le=1000)]
ExtraDays = Annotated[int, Meta(ge=0, le=365, description="Days of the calendar")]
# Only those who teach read it, and the student's own export has it.
Reason = Annotated[str, Meta(max_length=1000), TEXT]


class NewExtension(Texts, frozen=True):
    """Dates of one student for one assignment. Null stays as it is; a due date after the closing moves that too."""

    due: NewDate | None = None
    closes: NewDate | None = None
    extra_attempts: ExtraAttempts = 0
    reason: Reason = ""

    @classmethod
    def example(cls) -> NewExtension:
        return cls(due=NewDate.example(), reason="Illness")


class ExtensionView(msgspec.Struct, frozen=True):
    """What a student was granted for an assignment."""

    assignment_id: str
    user_id: str
    due: DateView | None
    closes: DateView | None
    extra_attempts: int
    reason: str
    granted_by: str
    granted_at: datetime
    rev: int

    @classmethod
    def example(cls) -> ExtensionView:
        return cls(EXAMPLE, "sam", DUE, None, 0, "Illness", "meera", AT, 1)


class NewAccommodation(Texts, frozen=True):
    """What a student has more in every assignment of a program."""

    extra_days: ExtraDays = 0
    extra_attempts: ExtraAttempts = 0
    note: Reason = ""

    @classmethod
    def example(cls) -> NewAccommodation:
        return cls(extra_days=2, note="By the letter of January")


class AccommodationView(msgspec.Struct, frozen=True):
    """What a student was granted for every assignment of a program."""

    program_id: str
    user_id: str
    extra_days: int
    extra_attempts: int
    note: str
    granted_by: str
    granted_at: datetime
    rev: int

    @classmethod
    def example(cls) -> AccommodationView:
        return cls(PROGRAM, "sam", 2, 0, "By the letter of January", "meera", AT, 1)


class OwnDates(msgspec.Struct, frozen=True):
    """`assignments.dates`: what holds for you has changed. It is as in `yours` of the assignment."""

    assignment_id: str
    program_id: str
    opens: DateView | None
    due: DateView | None
    closes: DateView | None
    rule: Rule
    closes_rule: Rule
    attempts: int | None
    rev: int


OWN_DATES: Final = PushType("assignments.dates", OwnDates)
