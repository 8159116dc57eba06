"""What the routes and the push of regrades carry."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.text import TEXT, Texts

LONGEST: Final = 2000
ID: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
AT: Final = datetime(2026, 3, 7, 18, 30, tzinfo=UTC)


class RegradeState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    """The grade is a draft again; students see the old version until the new one is released."""
    DECLINED = "declined"


class NewRegrade(Texts, frozen=True):
    """`POST /assignments/{id}/regrades`: a student asks that their released grade be looked at again."""

    reason: Annotated[str, Meta(min_length=1, max_length=LONGEST), TEXT]

    @classmethod
    def example(cls) -> NewRegrade:
        return cls("The second step follows from the theorem of lesson 3")


class RegradeAnswer(Texts, frozen=True):
    """`POST …/regrades/{id}/answer`."""

    accept: bool
    answer: Annotated[str, Meta(max_length=LONGEST), TEXT] = ""

    @classmethod
    def example(cls) -> RegradeAnswer:
        return cls(True, "You are right")


class Regrade(msgspec.Struct, frozen=True):
    """A student's wish, as the student and those who teach see it; also the push `assignments.regrade`."""

    id: str
    assignment_id: str
    submission_id: str
    attempt_id: str
    reason: str
    state: RegradeState
    answer: str
    asked_at: datetime
    answered_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> Regrade:
        return cls(ID, ID, ID, ID, "The second step follows", RegradeState.OPEN, "", AT, None, 1)


class LabelledRegrade(Regrade, frozen=True, kw_only=True):
    """In a list: `label` is a pseudonym while the assignment is marked anonymously."""

    label: str

    @classmethod
    def example(cls) -> LabelledRegrade:
        return cls(**msgspec.structs.asdict(Regrade.example()), label="K7QF3M")


class Regrades(msgspec.Struct, frozen=True):
    """The newest first. A student's list holds those of their own work."""

    items: list[LabelledRegrade]

    @classmethod
    def example(cls) -> Regrades:
        return cls([LabelledRegrade.example()])


REGRADE: Final = PushType("assignments.regrade", Regrade)
