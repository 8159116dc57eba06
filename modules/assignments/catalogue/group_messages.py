"""What the routes of group sets take and answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.text import LINE, Texts
from modules.assignments.catalogue.messages import PROGRAM, GroupMember, GroupView

Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100), LINE]

SET = "01a2130d-48bf-7174-b972-596a06fb2370"
GROUP = "01a2130d-48bf-7174-b972-596a06fb2371"


class NewGroupSet(Texts, frozen=True):
    """A division of a program's students into groups, which assignments may use."""

    program_id: Id
    name: Name

    @classmethod
    def example(cls) -> NewGroupSet:
        return cls(PROGRAM, "Projects")


class GroupName(Texts, frozen=True):
    """A new name, of a group set or of a group."""

    name: Name

    @classmethod
    def example(cls) -> GroupName:
        return cls("Team Tabla")


class Split(msgspec.Struct, frozen=True):
    """Spread the students who are in no group yet, at random: into so many new groups, or into groups of a size.

    Exactly one is given. `size` is the most that a group has; sizes differ by one at the most.
    """

    groups: Annotated[int, Meta(ge=1, le=1000)] | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] | None = None

    @classmethod
    def example(cls) -> Split:
        return cls(size=4)


class Place(msgspec.Struct, frozen=True):
    """The group that a student is to be in."""

    group_id: Id

    @classmethod
    def example(cls) -> Place:
        return cls(GROUP)


class ListedGroupSet(msgspec.Struct, frozen=True):
    id: str
    program_id: str
    name: str
    rev: int


class GroupSetView(msgspec.Struct, frozen=True):
    """A group set with its groups, in the order in which they were made; `rev` rises with whatever changes in it."""

    id: str
    program_id: str
    name: str
    rev: int
    groups: tuple[GroupView, ...]

    @classmethod
    def example(cls) -> GroupSetView:
        members = (GroupMember("sam", "Sam"), GroupMember("tara", "Tara"))
        return cls(SET, PROGRAM, "Projects", 3, (GroupView(GROUP, "Group 1", members),))
