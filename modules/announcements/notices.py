"""Announcements as notifications, for those who are not there when they are published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Kernel
from modules.announcements.audience import ALL
from modules.announcements.messages import AnnouncementRecord
from modules.announcements.repository import AnnouncementRepository
from modules.announcements.states import AnnouncementStatus
from modules.notify.facade import EMAIL, Kind, Notice, tell, withdraw

LOCALE: Final = Path(__file__).parent / "locale"
# The audience `all` in the words of notifications.
EVERYBODY: Final = "role:all"


class AnnouncementNotice(msgspec.Struct, frozen=True):
    """What the texts are filled with; they are the admin's own words in every language."""

    id: str
    title: str
    text: str


class AnnouncementNotices:
    """The kind of notifications about announcements, and the calls that tell; each is inside a transaction."""

    def __init__(self, kernel: Kernel, rows: AnnouncementRepository) -> None:
        self._kernel = kernel
        self._rows = rows
        self.published = Kind(
            name="announcements.published",
            data=AnnouncementNotice,
            title="%(title)s",
            body="%(text)s",
            link="/announcements/%(id)s",
            off=(EMAIL,),
            ttl=timedelta(days=2),
            still_wanted=self._shown,
            locale=LOCALE,
        )
        self.contributions = (self.published,)

    async def publish(self, announcement: AnnouncementRecord) -> None:
        """Tell its audience, until it is shown no more or is old."""
        data = AnnouncementNotice(str(announcement.id), announcement.title, announcement.text)
        await tell(
            self._kernel,
            Notice(
                self.published.name,
                str(announcement.id),
                data,
                audience=EVERYBODY if announcement.audience == ALL else announcement.audience,
                expires_at=min(announcement.expires_at, clock.now() + self.published.ttl),
            ),
        )

    async def end(self, announcement: AnnouncementRecord) -> None:
        await withdraw(self._kernel, self.published.name, str(announcement.id))

    async def _shown(self, users: Collection[str], subject: str, data: AnnouncementNotice) -> Collection[str]:
        found = await self._rows.find(UUID(data.id))
        return users if found is not None and found.status is AnnouncementStatus.PUBLISHED else ()
