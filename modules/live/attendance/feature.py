"""Attendance, put together: what records who is in a session, and what comes of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from gateway.contract import Kernel
from gateway.tasks import end
from modules.live.attendance import routes
from modules.live.attendance.finalizer import SessionFinalizer
from modules.live.attendance.live_count import LiveCounts
from modules.live.attendance.presence_repository import PresenceRepository
from modules.live.attendance.ratings import Ratings
from modules.live.attendance.service import Attendances
from modules.live.attendance.writer import AttendanceWriter
from modules.live.room.hands.hands import Hands
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings


class AttendanceFeature:
    """Writes who is in a session while it runs, and shows and settles what was written."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, hands: Hands) -> None:
        presence = PresenceRepository(kernel.database)
        self.live_counts = LiveCounts(kernel, presence, settings.attendance_interval)
        self.writer = AttendanceWriter(
            presence,
            uuid.uuid4().hex,
            interval=settings.attendance_interval,
            gap=settings.attendance_gap,
            written=self._after_writing,
        )
        self._hands = hands
        self._deserted_after = timedelta(seconds=max(settings.hand_kept, 2 * settings.attendance_interval))
        attendances = Attendances(kernel, settings, sessions, presence)
        ratings = Ratings(kernel, settings, sessions, attendances)
        self.features = (self.live_counts, SessionFinalizer(kernel, settings, attendances, ratings, presence))
        self.routes = routes.router(attendances, ratings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write until the end, and then what is left."""
        writing = asyncio.get_running_loop().create_task(self.writer.run())
        try:
            yield
        finally:
            await end([writing])
            await self.writer.close()

    async def _after_writing(self) -> None:
        await self.live_counts.push_changes()
        await self._hands.lower_deserted(self._deserted_after)
