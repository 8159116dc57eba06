"""What clients send and get of direct rooms and blocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from gateway.contract import PushType
from gateway.text import LINE, LONG, Texts

UserId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
# How many there may be is a setting; no more than these are looked at.
UserIds = Annotated[list[UserId], msgspec.Meta(min_length=1, max_length=1000)]
# Its greatest length is a setting.
Title = Annotated[str, msgspec.Meta(min_length=1), LONG, LINE]

ID: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
OPENED: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class NewDirect(Texts, frozen=True):
    """Whom to talk to. One user without a title makes a pair, of which there is one; everything else makes a group."""

    user_ids: UserIds
    title: Title | None = None

    @classmethod
    def example(cls) -> NewDirect:
        return cls(["u7"])


class DirectChange(Texts, frozen=True):
    """The new title of a group."""

    title: Title

    @classmethod
    def example(cls) -> DirectChange:
        return cls("Help with algebra")


class NewMembers(msgspec.Struct, frozen=True):
    """Users who join a group. With `history` they see what was written before, without it only what comes."""

    user_ids: UserIds
    history: bool = False

    @classmethod
    def example(cls) -> NewMembers:
        return cls(["u9"])


class DirectMember(msgspec.Struct, frozen=True):
    """A user who is in a direct room."""

    id: str
    name: str
    joined_at: datetime


class DirectRoom(msgspec.Struct, frozen=True):
    """A pair or a group, as its members see it, and what `chat.direct` carries.

    Who was taken out of a group, or left it, gets it with `left`, and without its members. The members of a pair whose
    other user was deleted are one.
    """

    id: str
    room: str
    group: bool
    title: str
    members: tuple[DirectMember, ...]
    created_by: str
    created_at: datetime
    rev: int
    left: bool = False

    @classmethod
    def example(cls) -> DirectRoom:
        members = (DirectMember("u1", "Asha", OPENED), DirectMember("u7", "Ravi", OPENED))
        return cls(ID, f"direct:{ID}", False, "", members, "u1", OPENED, 1)


DIRECT: Final = PushType("chat.direct", DirectRoom)


class DirectDetail(DirectRoom, frozen=True):
    """One direct room; `may_write` says whether the reader's messages would be taken now."""

    may_write: bool = True

    @classmethod
    def example(cls) -> DirectDetail:
        return cls(**msgspec.structs.asdict(DirectRoom.example()))


class Block(msgspec.Struct, frozen=True):
    """A block of the reader's own, and what `chat.block` carries; `blocked` is false once it is lifted."""

    user_id: str
    name: str
    blocked: bool
    at: datetime
    rev: int

    @classmethod
    def example(cls) -> Block:
        return cls("u7", "Ravi", True, OPENED, 1)


BLOCK: Final = PushType("chat.block", Block)
