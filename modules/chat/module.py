"""The chat module: commands in the rooms of sessions and programs, and direct rooms of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module, Rate
from gateway.tasks import end
from modules.chat import errors, routes
from modules.chat.attachment_check import AttachmentCheck
from modules.chat.attachments import Attachments
from modules.chat.direct.abandoned import AbandonedRooms
from modules.chat.direct.feature import DirectFeature
from modules.chat.events import Mentioned
from modules.chat.facts import FACTS
from modules.chat.filter import load
from modules.chat.index import routes as index_routes
from modules.chat.index.indexer import Indexer
from modules.chat.mentions import Mentions
from modules.chat.mutes import Mutes
from modules.chat.notices.message_notices import MessageNotices
from modules.chat.pins import Pins
from modules.chat.policy import ChatPolicy
from modules.chat.program_rooms import ProgramRooms
from modules.chat.reactions import Reactions
from modules.chat.reading.feature import ReadingFeature
from modules.chat.recent_messages import RecentMessages
from modules.chat.reports import Reports
from modules.chat.repository import PersonalDataRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import DIRECT, PROGRAM, SESSION
from modules.chat.room_snapshot import RoomSnapshot
from modules.chat.search import routes as search_routes
from modules.chat.search.message_search import MessageSearch
from modules.chat.service import Messages
from modules.chat.session_rooms import SessionRooms
from modules.chat.settings import ChatSettings
from modules.chat.slow_mode import SlowMode
from modules.chat.tables import MessageRow, ReportRow, ThreadRow
from modules.chat.threads.threads import Threads


class ChatModule(Module):
    """Chat in the rooms of live sessions and of programs, and between users."""

    name = "chat"
    requires = ("live", "programs", "files", "accounts")
    settings_type = ChatSettings
    tables = (ReportRow, MessageRow, ThreadRow, *DirectFeature.tables)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES
    emits = (Mentioned,)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings = kernel.settings(ChatSettings)
        for one in load(settings):
            kernel.filters.add(one.review, refusal=errors.refused)
        self._direct = direct = DirectFeature(kernel, settings)
        rooms = ChatRooms(
            kernel.rooms,
            {SESSION.kind: SessionRooms(kernel), PROGRAM.kind: ProgramRooms(kernel), DIRECT.kind: direct.access},
        )
        slow_mode = SlowMode(kernel)
        policy = ChatPolicy(kernel, settings, slow_mode, rooms)
        kernel.filters.add_in_rooms(policy.check_links)
        mentions = Mentions(kernel, settings, rooms)
        self._reports = reports = Reports(kernel, settings, rooms)
        self._reactions = Reactions(kernel, settings, rooms)
        self._personal_data = PersonalDataRepository(kernel.database)
        self.attachments = attachments = Attachments(kernel, settings, policy, rooms)
        self.attachment_check = AttachmentCheck(kernel, settings)
        self.rooms = direct.rooms
        mutes = Mutes(kernel, rooms)
        threads = Threads(kernel, settings, attachments, rooms)
        self.reading = reading = ReadingFeature(kernel, settings)
        self.notices = notices = MessageNotices(kernel, settings, rooms)
        self.indexer = Indexer(kernel, (threads, reading.told, notices))
        self.features = (
            Messages(kernel, settings, policy, slow_mode, mentions, attachments, rooms, threads),
            attachments,
            mentions,
            policy,
            Pins(kernel, settings, rooms),
            self._reactions,
            RecentMessages(kernel, settings, attachments),
            mutes,
            reports,
            threads,
            RoomSnapshot(),
            *direct.features,
            AbandonedRooms(kernel, attachments),
            *reading.features,
            notices,
        )
        self.contributions = FACTS
        rate = Rate(count=settings.search_rate_count, seconds=settings.search_rate_seconds)
        search = search_routes.router(MessageSearch(kernel, attachments), rate)
        index = index_routes.router(self.indexer)
        self.routes = (routes.router(reports, mutes, threads), search, index, *direct.routes, *reading.routes)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        workers = [
            loop.create_task(work)
            for work in (self.attachment_check.run(), self.indexer.run(), *self.reading.workers())
        ]
        try:
            yield
        finally:
            await end(workers)
            await self._reactions.stop()

    async def export(self, user: str) -> Mapping[str, Any]:
        held = (self._personal_data, self._direct, self.reading)
        return {name: rows for part in held for name, rows in (await part.export(user)).items()}

    async def forget(self, user: str) -> Collection[str]:
        await self._personal_data.forget(user)
        await self.reading.forget(user)
        await self.attachments.forget(user)
        await self._reports.forget(user)
        await self._direct.forget(user)
        # A pin names the author of its message, who wrote in that room. Nothing else names anybody.
        return ()
