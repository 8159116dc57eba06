"""What clients send and see of announcements."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from modules.announcements.audience import PATTERN
from modules.announcements.states import Status

Audience = Annotated[str, msgspec.Meta(pattern=PATTERN, description="`all`, `role:<role>` or `program:<id>`")]
Title = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

ID = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
FROM = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
UNTIL = datetime(2026, 2, 2, 18, 30, tzinfo=UTC)


class NewAnnouncement(msgspec.Struct, frozen=True):
    """Without `publish_at`, or with one that has passed, it is published at once; without `expires_at` it is shown for
    as long as the settings say."""

    audience: Audience
    title: Title
    text: str = ""
    publish_at: Moment | None = None
    expires_at: Moment | None = None

    @classmethod
    def example(cls) -> NewAnnouncement:
        return cls("role:student", "Maintenance tonight", "Classes go on at 21:00.", FROM, UNTIL)


class AnnouncementChange(msgspec.Struct, frozen=True):
    """What is left out stays; a `publish_at` of null or in the past publishes it at once."""

    audience: Audience | msgspec.UnsetType = msgspec.UNSET
    title: Title | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    publish_at: Moment | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: Moment | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def example(cls) -> AnnouncementChange:
        return cls(title="Maintenance tomorrow")


class Announcement(msgspec.Struct, frozen=True):
    """What its audience sees, and what each of its pushes carries."""

    id: UUID
    audience: str
    title: str
    text: str
    status: Status
    publish_at: datetime
    expires_at: datetime
    rev: int

    @classmethod
    def example(cls) -> Announcement:
        return cls(
            ID, "role:student", "Maintenance tonight", "Classes go on at 21:00.", Status.PUBLISHED, FROM, UNTIL, 2
        )


class AnnouncementRecord(Announcement, frozen=True):
    """What admins see besides."""

    created_by: str
    created_at: datetime

    @classmethod
    def example(cls) -> AnnouncementRecord:
        return cls(**msgspec.structs.asdict(Announcement.example()), created_by="c1f7…", created_at=FROM)

    def shown(self) -> Announcement:
        return msgspec.convert(self, Announcement, from_attributes=True)


class Ask(msgspec.Struct, frozen=True):
    """`announcements.current` and `announcements.in_program` carry nothing."""


class Current(msgspec.Struct, frozen=True):
    """What is shown now, the newest first."""

    items: list[Announcement]

    @classmethod
    def example(cls) -> Current:
        return cls([Announcement.example()])


class AnnouncementDue(msgspec.Struct, frozen=True):
    """What a timer carries: which announcement's time has come."""

    id: UUID
