"""What clients send and get of the list in the app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from gateway.contract import PushType

ID: Final = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class InboxItem(msgspec.Struct, frozen=True):
    """A notification as its user sees it; of two with one id, the one with the higher `rev` is the newer.

    `title` and `body` are in the user's language, and `link` is a path of the app. `data` is what the kind tells of.
    One that was `withdrawn` leaves the list, and has no words any more.
    """

    id: UUID
    kind: str
    category: str
    subject: str
    title: str
    body: str
    link: str
    data: dict[str, Any]
    created_at: datetime
    seen: bool
    read: bool
    withdrawn: bool
    rev: int

    @classmethod
    def example(cls) -> InboxItem:
        return cls(
            id=ID,
            kind="assignments.published",
            category="assignments",
            subject="a-42",
            title="New assignment: Fractions",
            body="It is due on 5 February, 18:00.",
            link="/programs/p-7/assignments/a-42",
            data={"title": "Fractions", "program_id": "p-7"},
            created_at=AT,
            seen=True,
            read=False,
            withdrawn=False,
            rev=2,
        )


class Unread(msgspec.Struct, frozen=True):
    """How much of the list is unread, and how much has not been seen, counted by the server.

    Nobody adds or subtracts: the counts with the highest `rev` hold. All notifications up to `read_to` are read.
    """

    unread: int
    unseen: int
    read_to: UUID | None
    rev: int

    @classmethod
    def example(cls) -> Unread:
        return cls(3, 1, ID, 17)


class UnreadRequest(msgspec.Struct, frozen=True):
    """`notify.unread` carries no data."""


class Read(msgspec.Struct, frozen=True):
    """Which notifications were read: these, and with `to` all up to that one."""

    ids: Annotated[list[UUID], Meta(max_length=200)] = []
    to: UUID | None = None

    @classmethod
    def example(cls) -> Read:
        return cls([ID])


class Seen(msgspec.Struct, frozen=True):
    """All up to this notification stood on a screen, whether or not they were read."""

    to: UUID

    @classmethod
    def example(cls) -> Seen:
        return cls(ID)


class Opened(msgspec.Struct, frozen=True):
    """By which channel the user came: `in_app`, `push`, `email`."""

    channel: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]

    @classmethod
    def example(cls) -> Opened:
        return cls("push")


NOTIFICATION: Final = PushType("notify.notification", InboxItem)
UNREAD: Final = PushType("notify.unread", Unread)
