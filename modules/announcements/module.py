"""What the announcements module consists of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module
from modules.announcements import errors
from modules.announcements.notices import AnnouncementNotices
from modules.announcements.repository import AnnouncementRepository
from modules.announcements.routes import router
from modules.announcements.service import Announcements
from modules.announcements.settings import AnnouncementsSettings
from modules.announcements.tables import AnnouncementRow


class AnnouncementsModule(Module):
    """Announcements, in rooms that accounts (`announce`) and programs own."""

    name = "announcements"
    requires = ("accounts", "programs")
    settings_type = AnnouncementsSettings
    tables = (AnnouncementRow,)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self._rows = AnnouncementRepository(kernel.database)
        notices = AnnouncementNotices(kernel, self._rows)
        announcements = Announcements(kernel, kernel.settings(AnnouncementsSettings), self._rows, notices)
        self.features = (announcements, notices)
        self.routes = (router(announcements),)

    async def export(self, user: str) -> Mapping[str, Any]:
        announced = await self._rows.created_by(user)
        return {"announced": announced} if announced else {}
