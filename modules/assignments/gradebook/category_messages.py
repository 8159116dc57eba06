"""What the routes of categories take and answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.text import LINE
from modules.assignments.decimals import Decimals, Percent

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100), LINE]
DropLowest = Annotated[int, Meta(ge=0, le=100)]
Position = Annotated[int, Meta(ge=0, le=1000)]


class NewCategory(Decimals, frozen=True, kw_only=True):
    """`weight` is in percent of the total; weights need not add up to 100. Without a `position` it comes last."""

    program_id: Id
    name: Name
    weight: Percent
    drop_lowest: DropLowest = 0
    position: Position | None = None

    @classmethod
    def example(cls) -> NewCategory:
        return cls(program_id="01a2130d-48bf-7174-b972-596a06fb2346", name="Essays", weight=Decimal("40.00"))


class CategoryChange(Decimals, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    weight: Percent | UnsetType = UNSET
    drop_lowest: DropLowest | UnsetType = UNSET
    position: Position | UnsetType = UNSET

    @classmethod
    def example(cls) -> CategoryChange:
        return cls(weight=Decimal("30.00"), drop_lowest=1)


class CategoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A category of a program's grade book."""

    id: str
    program_id: str
    name: str
    weight: Decimal
    drop_lowest: int
    position: int
    rev: int

    @classmethod
    def example(cls) -> CategoryView:
        return cls(
            id="01a2130d-48bf-7174-b972-596a06fb2370",
            program_id="01a2130d-48bf-7174-b972-596a06fb2346",
            name="Essays",
            weight=Decimal("40.00"),
            drop_lowest=1,
            position=0,
            rev=1,
        )


class Categories(msgspec.Struct, frozen=True):
    """Those of a program, in order."""

    items: list[CategoryView]

    @classmethod
    def example(cls) -> Categories:
        return cls([CategoryView.example()])
