"""Attendance, put together: what records who is in a session, and what comes of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from gateway.tasks import end
from modules.live.attendance import routes
from modules.live.attendance.finalizer import SessionFinalizer
from modules.live.attendance.live_count import LiveCounts
from modules.live.attendance.ratings import Ratings
from modules.live.attendance.service import Attendances
from modules.live.attendance.writer import AttendanceWriter
from modules.live.room.hands.hands import Hands
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings


class AttendanceFeature:
    """Writes who is in a session from `run` on, and shows and settles what was written."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, hands: Hands) -> None:
        self.live_counts = LiveCounts(kernel, settings.attendance_interval)
        self.writer = AttendanceWriter(
            kernel.database,
            uuid.uuid4().hex,
            interval=settings.attendance_interval,
            gap=settings.attendance_gap,
            written=self._written,
        )
        self._hands = hands
        self._missing = timedelta(seconds=max(settings.hand_kept, 2 * settings.attendance_interval))
        attendances = Attendances(kernel, settings, sessions)
        ratings = Ratings(kernel, settings, sessions, attendances)
        self.features = (self.live_counts, SessionFinalizer(kernel, settings, attendances, ratings))
        self.routes = Router(
            "/sessions",
            route_handlers=[
                routes.attendance,
                routes.curve,
                routes.own_attendance,
                routes.give_stars,
                routes.own_stars,
                routes.star_spread,
                routes.star_comments,
            ],
            dependencies=services(attendances=attendances, ratings=ratings),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write until the end, and what is left then."""
        writing = asyncio.get_running_loop().create_task(self.writer.run())
        try:
            yield
        finally:
            await end([writing])
            await self.writer.close()

    async def _written(self) -> None:
        await self.live_counts.tell()
        await self._hands.lower_deserted(self._missing)
