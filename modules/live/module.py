"""The live module: what it consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module, RoomKind
from gateway.principal import Principal
from gateway.settings import Settings
from modules.live import demo, errors, events, personal_data, tables
from modules.live.access.authorization import ROLES
from modules.live.access.feature import AccessFeature
from modules.live.attendance.feature import AttendanceFeature
from modules.live.class_figures.class_figures import StoredClassFigures
from modules.live.facts import FACTS
from modules.live.notices import SessionNotices
from modules.live.public_events import PUBLIC
from modules.live.recordings.feature import RecordingsFeature
from modules.live.room.feature import RoomFeature
from modules.live.schedule.feature import ScheduleFeature
from modules.live.sessions.feature import SessionsFeature
from modules.live.settings import LiveSettings, with_bucket
from modules.live.video.cloud import cloud_of
from modules.live.video.feature import VideoFeature
from modules.live.video.jobs import VideoJobs


class LiveModule(Module):
    """Live classes. It owns the rooms `session:<id>`, `staff:<id>` and `lobby:<id>`."""

    name = "live"
    requires = ("accounts", "programs")
    settings_type = LiveSettings
    emits = events.EVENTS
    tables = tables.TABLES
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        core = kernel.settings(Settings)
        settings = with_bucket(kernel.settings(LiveSettings), core)
        cloud = cloud_of(settings, core)
        s3, key = (None, None) if cloud is None else (cloud.s3, cloud.key)
        jobs = VideoJobs(kernel.database, available=cloud is not None, recording=bool(settings.recording_bucket))
        records = jobs.recording

        self.access = access = AccessFeature(kernel, settings, key, records=records)
        authorizer = access.authorizer
        notices = SessionNotices(kernel)
        scheduled = SessionsFeature(kernel, settings, jobs, notices)
        sessions = scheduled.sessions
        self.room = room = RoomFeature(kernel, settings, authorizer.staff_role, records=records)
        self.attendance = attendance = AttendanceFeature(kernel, settings, sessions, room.hands)
        self.recordings = recordings = RecordingsFeature(kernel, settings, sessions, authorizer, notices, s3, key)
        schedule = ScheduleFeature(kernel, settings, sessions)
        self.video = video = VideoFeature(
            kernel, settings, sessions, jobs, access.stage_tokens, recordings.recordings, cloud
        )
        self.features = (
            notices,
            *access.features,
            *scheduled.features,
            *room.features,
            *attendance.features,
            *recordings.features,
            *video.features,
        )
        self.contributions = (*recordings.contributions, *PUBLIC, *FACTS, StoredClassFigures(kernel, settings))
        self.routes = (
            scheduled.routes,
            access.routes,
            *video.routes,
            recordings.routes,
            room.routes,
            *schedule.routes,
            attendance.routes,
        )
        writer, counts = attendance.writer, attendance.live_counts
        self.rooms = (
            RoomKind(name="lobby", roles=("guest",), authorize=authorizer.lobby_role, presence=True),
            RoomKind(
                name="session",
                roles=ROLES,
                authorize=authorizer.role,
                archived=True,
                presence=True,
                on_join=writer.enter,
                on_leave=writer.leave,
            ),
            RoomKind(
                name="staff",
                roles=("host",),
                authorize=authorizer.staff_role,
                archived=True,
                presence=True,
                on_join=counts.watch,
                on_leave=counts.unwatch,
            ),
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        async with self.room.running(), self.attendance.running(), self.recordings.running(), self.video.running():
            yield

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.held(self.kernel.database, user)

    async def forget(self, user: str) -> Collection[str]:
        return await personal_data.forget(self.kernel.database, user)

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        return {"session": await demo.seed(self.kernel.database, people["mentor"].id)}
