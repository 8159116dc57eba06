"""What clients send and get of announcements."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import PushType
from gateway.text import LINE, LONG, TEXT, Texts
from modules.announcements.audience import PATTERN
from modules.announcements.states import AnnouncementStatus

Audience = Annotated[str, msgspec.Meta(pattern=PATTERN, description="`all`, `role:<role>` or `program:<id>`")]
# Their greatest lengths are settings.
Title = Annotated[str, msgspec.Meta(min_length=1), LONG, LINE]
Text = Annotated[str, LONG, TEXT]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

ID = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
FROM = clock.example_day()
UNTIL = FROM + timedelta(days=2)


class NewAnnouncement(Texts, frozen=True):
    """An announcement to be made.

    Without `publish_at`, or with one that has passed, it is published at once. Without `expires_at` it is shown for
    `KSMP_ANNOUNCEMENTS_SHOWN_FOR`.
    """

    audience: Audience
    title: Title
    text: Text = ""
    publish_at: Moment | None = None
    expires_at: Moment | None = None

    @classmethod
    def example(cls) -> NewAnnouncement:
        return cls("role:student", "Maintenance tonight", "Classes go on at 21:00.", FROM, UNTIL)


class AnnouncementChange(Texts, frozen=True):
    """What is left out stays; a `publish_at` of null or in the past publishes it at once."""

    audience: Audience | msgspec.UnsetType = msgspec.UNSET
    title: Title | msgspec.UnsetType = msgspec.UNSET
    text: Text | msgspec.UnsetType = msgspec.UNSET
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
    status: AnnouncementStatus
    publish_at: datetime
    expires_at: datetime
    rev: int

    @classmethod
    def example(cls) -> Announcement:
        return cls(
            id=ID,
            audience="role:student",
            title="Maintenance tonight",
            text="Classes go on at 21:00.",
            status=AnnouncementStatus.PUBLISHED,
            publish_at=FROM,
            expires_at=UNTIL,
            rev=2,
        )


PUBLISHED: Final = PushType("announcements.published", Announcement)
EXPIRED: Final = PushType("announcements.expired", Announcement)
WITHDRAWN: Final = PushType("announcements.withdrawn", Announcement)


class AnnouncementRecord(Announcement, frozen=True):
    """What admins see: the announcement, who made it and when."""

    created_by: str
    created_at: datetime

    @classmethod
    def example(cls) -> AnnouncementRecord:
        return cls(**msgspec.structs.asdict(Announcement.example()), created_by="c1f7…", created_at=FROM)

    def shown(self) -> Announcement:
        return msgspec.convert(self, Announcement, from_attributes=True)


class CurrentRequest(msgspec.Struct, frozen=True):
    """`announcements.current` and `announcements.in_program` carry nothing."""


class Current(msgspec.Struct, frozen=True):
    """What is shown now, the newest first."""

    items: list[Announcement]

    @classmethod
    def example(cls) -> Current:
        return cls([Announcement.example()])


class AnnouncementDue(msgspec.Struct, frozen=True):
    """What the timers carry: the announcement whose time has come."""

    id: UUID
