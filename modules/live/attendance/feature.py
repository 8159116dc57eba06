"""Attendance, put together: what records who is in a session, and what comes of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from litestar import Router
from litestar.di import Provide

from gateway.contract import Context, Delivery, Kernel, SnapshotPart, Timer
from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.tasks import end
from modules.live.attendance import routes
from modules.live.attendance.finalizer import SessionFinalizer
from modules.live.attendance.live_count import PUSH, LiveCount, LiveCounts
from modules.live.attendance.ratings import Ratings
from modules.live.attendance.service import Attendances
from modules.live.attendance.writer import AttendanceWriter
from modules.live.room.hands import Hands
from modules.live.sessions.service import Sessions
from modules.live.sessions.timers import EMPTY, PRUNE, RATED, SETTLE, FollowUpDue
from modules.live.settings import LiveSettings
from modules.live.tables import AttendanceRow, ReportRow, StarRow, StayRow

TABLES = (StayRow, ReportRow, AttendanceRow, StarRow)


class AttendanceFeature:
    """One for each process; nothing is recorded before it runs."""

    def __init__(self) -> None:
        self._writer: AttendanceWriter | None = None
        self._counts: LiveCounts | None = None
        self._attendances: Attendances | None = None
        self._ratings: Ratings | None = None
        self._finalizer: SessionFinalizer | None = None
        self.timers = (
            Timer(name=SETTLE, payload=FollowUpDue, handler=self._settle),
            Timer(name=EMPTY, payload=FollowUpDue, handler=self._empty),
            Timer(name=RATED, payload=FollowUpDue, handler=self._rated),
            Timer(name=PRUNE, payload=FollowUpDue, handler=self._prune),
        )
        self.snapshots = (SnapshotPart(name=PUSH, rooms="staff", read=self._count),)
        self.router = Router(
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
            dependencies={
                "attendances": Provide(lambda: self._attendances, sync_to_thread=False),
                "ratings": Provide(lambda: self._ratings, sync_to_thread=False),
            },
        )

    @asynccontextmanager
    async def running(
        self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, hands: Hands
    ) -> AsyncIterator[None]:
        """Record until the end, and write what is left then; what follows from who is there is done after each
        writing."""
        missing = timedelta(seconds=max(settings.hand_kept, 2 * settings.attendance_interval))

        async def written() -> None:
            await counts.tell()
            await hands.lower_deserted(missing)

        self._counts = counts = LiveCounts(kernel, settings.attendance_interval)
        self._attendances = Attendances(kernel, settings, sessions)
        self._ratings = Ratings(kernel, settings, sessions, self._attendances)
        self._finalizer = SessionFinalizer(kernel, settings, self._attendances, self._ratings)
        writer = self._writer = AttendanceWriter(
            kernel.database,
            uuid.uuid4().hex,
            interval=settings.attendance_interval,
            gap=settings.attendance_gap,
            written=written,
        )
        writing = asyncio.get_running_loop().create_task(writer.run())
        try:
            yield
        finally:
            await end([writing])
            await writer.close()

    def enter(self, principal: Principal, session: str, role: str) -> None:
        if self._writer is not None:
            self._writer.enter(principal, session, role)

    def leave(self, principal: Principal, session: str, role: str) -> None:
        if self._writer is not None:
            self._writer.leave(principal, session, role)

    def enter_staff(self, principal: Principal, session: str, role: str) -> None:
        if self._counts is not None:
            self._counts.watch(principal, session, role)

    def leave_staff(self, principal: Principal, session: str, role: str) -> None:
        if self._counts is not None:
            self._counts.unwatch(principal, session, role)

    async def _count(self, context: Context) -> LiveCount:
        if self._counts is None:
            raise Unavailable("live has not started")
        return await self._counts.read(context)

    async def _settle(self, due: FollowUpDue, delivery: Delivery) -> None:
        await self._running.settle(due, delivery)

    async def _empty(self, due: FollowUpDue, delivery: Delivery) -> None:
        await self._running.empty(due, delivery)

    async def _rated(self, due: FollowUpDue, delivery: Delivery) -> None:
        await self._running.rated(due, delivery)

    async def _prune(self, due: FollowUpDue, delivery: Delivery) -> None:
        await self._running.prune(due, delivery)

    @property
    def _running(self) -> SessionFinalizer:
        if self._finalizer is None:
            raise Unavailable("live has not started")
        return self._finalizer
