"""What the routes take and answer, and what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modules.programs.states import State

NO_NUL = r"^[^\x00]*$"
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)]
Summary = Annotated[str, Meta(max_length=5000, pattern=NO_NUL)]
Price = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000)]
# Ids of users, which the service checks.
CoMentors = Annotated[list[str], Meta(max_length=20)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2346"


class ProgramView(msgspec.Struct, frozen=True):
    """A program. `price` is in minor units of `currency` (ISO 4217); without `capacity` all who come have a place."""

    id: str
    title: str
    summary: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    state: State
    price: int
    currency: str
    capacity: int | None
    rev: int
    created_at: datetime

    @classmethod
    def example(cls) -> ProgramView:
        at = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
        return cls(EXAMPLE, "Algebra", "From the start", "meera", (), State.PUBLISHED, 49900, "INR", 30, 3, at)


class NewProgram(msgspec.Struct, frozen=True):
    title: Title
    summary: Summary = ""
    co_mentors: CoMentors = []
    price: Price = 0
    currency: Currency = "INR"
    capacity: Capacity | None = None

    @classmethod
    def example(cls) -> NewProgram:
        return cls("Algebra", "From the start", price=49900, capacity=30)


class ProgramChange(msgspec.Struct, frozen=True):
    """What is left out stays."""

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    co_mentors: CoMentors | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    capacity: Capacity | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> ProgramChange:
        return cls(capacity=40)


class EnrolmentView(msgspec.Struct, frozen=True):
    """`ahead` is how many wait before; null for who has a place."""

    program_id: str
    user_id: str
    state: Literal["enrolled", "waiting"]
    ahead: int | None = None

    @classmethod
    def example(cls) -> EnrolmentView:
        return cls(EXAMPLE, "sam", "waiting", 2)
