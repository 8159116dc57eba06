"""The live module: owner of `session` and `staff` rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from litestar import Router
from litestar.di import Provide

from gateway import clock
from gateway.contract import Delivery, Kernel, Listener, Module, RoomKind, Timer
from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.settings import Settings, SettingsError
from gateway.tasks import end
from modules.live import events, personal_data
from modules.live.access import routes as access_routes
from modules.live.access.authorization import ROLES, SessionAuthorizer
from modules.live.access.join import Admissions, PlaybackCommand
from modules.live.access.playback_tokens import PlaybackKey, development_key, private_key
from modules.live.access.removal import evict_former_participant
from modules.live.access.stage_tokens import StageTokenCommand, StageTokens
from modules.live.attendance import feature as attendance_feature
from modules.live.aws import ivs, s3
from modules.live.aws.circuit_breaker import CircuitBreaker
from modules.live.aws.s3 import access_key
from modules.live.recordings import routes as recording_routes
from modules.live.recordings.playback import Replays
from modules.live.recordings.playback_tokens import PURPOSE, RecordingTokens
from modules.live.recordings.retention import Retention
from modules.live.recordings.service import Recordings
from modules.live.room.feature import RoomFeature
from modules.live.schedule import routes as schedule_routes
from modules.live.schedule.calendar_feed import Calendars
from modules.live.schedule.series import Series
from modules.live.sessions import routes as session_routes
from modules.live.sessions.service import Sessions
from modules.live.sessions.timer_handlers import TimerHandlers
from modules.live.sessions.timers import CLOSE, OPEN, REMIND, SessionDue
from modules.live.sessions.video_jobs import VideoJobs
from modules.live.settings import LiveSettings
from modules.live.tables import Calendar, Promotion, Recording, Session, VideoRow, VoteRow
from modules.live.tables import Series as SeriesRow
from modules.live.video import routes as stream_routes
from modules.live.video import stage_routes
from modules.live.video.command_queue import VideoCommandQueue
from modules.live.video.event_consumer import IvsEventConsumer
from modules.live.video.listeners import VideoListeners
from modules.live.video.provisioner import ChannelProvisioner
from modules.live.video.stage_participants import StageParticipants
from modules.live.video.streams import Streams
from modules.programs.events import PartLost

DEMO: Final = "demo"
A_WEEK: Final = 604_800


class LiveModule(Module):
    name = "live"
    requires = ("accounts", "programs")
    settings_type = LiveSettings
    tables = (Session, Promotion, SeriesRow, Calendar, VideoRow, Recording, VoteRow, *attendance_feature.TABLES)
    migrations = Path(__file__).parent / "migrations"
    emits = (
        events.SessionScheduled,
        events.SessionMoved,
        events.SessionNear,
        events.SessionCancelled,
        events.LobbyOpened,
        events.SessionStarted,
        events.SessionEnded,
        events.SessionRated,
        events.RecordingReady,
        events.RecordingGone,
        events.PollOpened,
        events.ViewerRemoved,
    )

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self._attendance = attendance_feature.AttendanceFeature()
        self.rooms = (
            RoomKind(name="lobby", roles=("guest",), authorize=self._lobby_role, presence=True),
            RoomKind(
                name="session",
                roles=ROLES,
                authorize=self._role,
                archived=True,
                presence=True,
                on_join=self._attendance.enter,
                on_leave=self._attendance.leave,
            ),
            RoomKind(
                name="staff",
                roles=("host",),
                authorize=self._staff_role,
                archived=True,
                presence=True,
                on_join=self._attendance.enter_staff,
                on_leave=self._attendance.leave_staff,
            ),
        )
        self._room = RoomFeature(self._staff_role)
        self._video_listeners = VideoListeners()
        self._playback_command = PlaybackCommand()
        self._stage_token_command = StageTokenCommand()
        self.commands = (*self._room.commands, self._playback_command.command, self._stage_token_command.command)
        self.snapshots = (*self._room.snapshots, *self._attendance.snapshots)
        leaving = Listener(event=PartLost, name="live.leave", handler=self._on_part_lost)
        self.listens = (*self._video_listeners.listens, leaving)
        self.timers = (
            *self._room.timers,
            *self._attendance.timers,
            Timer(name=OPEN, payload=SessionDue, handler=self._open),
            Timer(name=CLOSE, payload=SessionDue, handler=self._close),
            Timer(name=REMIND, payload=SessionDue, handler=self._remind),
        )
        self.routes = (
            Router(
                "/sessions",
                route_handlers=[
                    session_routes.listing,
                    session_routes.create,
                    session_routes.read,
                    session_routes.change,
                    session_routes.open_lobby,
                    session_routes.start,
                    session_routes.end,
                    session_routes.cancel,
                ],
                # Not a bound method: Litestar copies its handlers, with all that is bound to them.
                dependencies={"sessions": Provide(lambda: self._sessions, sync_to_thread=False)},
            ),
            Router(
                "/sessions",
                route_handlers=[
                    access_routes.join,
                    stream_routes.ingest,
                    stream_routes.rotate,
                    stream_routes.stream,
                    stream_routes.stop,
                    stream_routes.checks,
                    stage_routes.share,
                    stage_routes.participants,
                    stage_routes.disconnect,
                ],
                dependencies={
                    "admissions": Provide(lambda: self._playback_command.admissions, sync_to_thread=False),
                    "stage_tokens": Provide(lambda: self._stage_token_command.stage_tokens, sync_to_thread=False),
                    "stage_participants": Provide(lambda: self._stage_participants, sync_to_thread=False),
                    "streams": Provide(lambda: self._streams, sync_to_thread=False),
                    "public_url": Provide(lambda: self._public_url, sync_to_thread=False),
                },
            ),
            Router(
                "/sessions",
                route_handlers=[
                    recording_routes.recordings,
                    recording_routes.delete_recording,
                    recording_routes.replay,
                    recording_routes.playlist,
                ],
                dependencies={
                    "recordings": Provide(lambda: self._recordings, sync_to_thread=False),
                    "replays": Provide(lambda: self._replays, sync_to_thread=False),
                    "public_url": Provide(lambda: self._public_url, sync_to_thread=False),
                },
            ),
            self._room.routes,
            Router(
                "/series",
                route_handlers=[
                    schedule_routes.create_series,
                    schedule_routes.read_series,
                    schedule_routes.change_series,
                    schedule_routes.cancel_series,
                ],
                dependencies={"series": Provide(lambda: self._series, sync_to_thread=False)},
            ),
            Router(
                "/calendars",
                route_handlers=[schedule_routes.address, schedule_routes.end_address, schedule_routes.feed],
                dependencies={
                    "calendars": Provide(lambda: self._calendars, sync_to_thread=False),
                    "public_url": Provide(lambda: self._public_url, sync_to_thread=False),
                },
            ),
            self._attendance.router,
        )
        self._authorizer: SessionAuthorizer | None = None
        self._sessions: Sessions | None = None
        self._kernel: Kernel | None = None
        self._streams: Streams | None = None
        self._stage_participants: StageParticipants | None = None
        self._recordings: Recordings | None = None
        self._replays: Replays | None = None
        self._series: Series | None = None
        self._calendars: Calendars | None = None
        self._timer_handlers: TimerHandlers | None = None
        self._public_url = ""

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        kernel = self.kernel
        self._kernel = kernel
        settings: LiveSettings = kernel.settings(LiveSettings)
        core: Settings = kernel.settings(Settings)
        key = _playback_key(settings, core)
        video_jobs = VideoJobs(on=key is not None, recording=bool(settings.recording_bucket))
        self._sessions = sessions = Sessions(kernel, settings, video_jobs)
        self._authorizer = SessionAuthorizer(kernel, settings)
        self._series = Series(kernel, settings, sessions)
        self._calendars = Calendars(kernel, settings)
        self._timer_handlers = TimerHandlers(kernel, sessions)
        self._public_url = settings.public_url.rstrip("/")
        signer = access_key(settings.recording_signer)
        if settings.recording_life > A_WEEK:
            raise SettingsError("KSMP_LIVE_RECORDING_LIFE is too long: S3 lets nothing be read for more than a week.")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._room.running(kernel, settings, records=video_jobs.recording))
            await stack.enter_async_context(self._attendance.running(kernel, settings, sessions, self._room.hands))
            stages = None
            if key is None:
                self._streams = Streams(kernel, sessions, None, video_jobs)
                self._recordings = Recordings(kernel, settings, sessions, self._authorizer, None)
                self._replays = Replays(kernel, settings, self._authorizer, self._recordings, None, None)
            else:
                breaker = CircuitBreaker(settings.video_failures, settings.video_pause)
                opened = ivs.opened(core.aws_region, core.aws_endpoint, settings.video_timeout, breaker)
                clients = await stack.enter_async_context(opened)
                stages = clients.stages
                bucket = await stack.enter_async_context(
                    s3.opened(core.aws_region, core.aws_endpoint, settings.video_timeout, signer)
                )
                self._streams = Streams(kernel, sessions, clients, video_jobs)
                self._recordings = Recordings(kernel, settings, sessions, self._authorizer, bucket)
                tokens = RecordingTokens(key.secret(PURPOSE), settings.recording_life)
                self._replays = Replays(kernel, settings, self._authorizer, self._recordings, bucket, tokens)
                retention = Retention(kernel, settings, bucket, self._recordings.deleted)
                provisioner = ChannelProvisioner(
                    kernel, settings, sessions, video_jobs, clients, key, bucket, self._recordings
                )
                event_consumer = IvsEventConsumer(kernel, clients, provisioner, video_jobs, settings.events_queue)
                command_queue = VideoCommandQueue(kernel, clients)
                self._video_listeners.video = command_queue
                workers = [provisioner.run() for _ in range(settings.video_workers)]
                for work in (*workers, event_consumer.run(), command_queue.run(), retention.run()):
                    task = asyncio.get_running_loop().create_task(work)
                    stack.push_async_callback(end, [task])
            stage_tokens = StageTokens(kernel, settings, self._authorizer, key)
            self._stage_token_command.start(stage_tokens, self._authorizer, settings)
            self._playback_command.admissions = Admissions(
                kernel, self._authorizer, key, stage_tokens, records=video_jobs.recording
            )
            self._stage_participants = StageParticipants(kernel, settings, sessions, stages)
            if stages is not None:
                stack.push_async_callback(end, [asyncio.get_running_loop().create_task(self._stage_participants.run())])
            yield

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        now = clock.now()
        demo = Session(
            id=DEMO,
            program_id="demo",
            title="Demo class",
            mentor_id=people["mentor"].id,
            co_mentors=[],
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            # It runs for good: no timer knows of it.
            state="live",
            video="unavailable",
            started_at=now,
            created_at=now,
        )
        await Session.insert(demo).on_conflict(target=Session.id, action="DO NOTHING")
        return {"session": DEMO}

    async def _on_part_lost(self, event: PartLost, delivery: Delivery) -> None:
        if self._kernel is None:
            raise Unavailable("live has not started")
        await evict_former_participant(self._kernel, event)

    async def export(self, user: str) -> Mapping[str, Any]:
        return await personal_data.held(user)

    async def forget(self, user: str) -> Collection[str]:
        return await personal_data.forget(user)

    async def _role(self, principal: Principal, id: str) -> str:
        return await self._started_authorizer.role(principal, id)

    async def _lobby_role(self, principal: Principal, id: str) -> str:
        return await self._started_authorizer.lobby_role(principal, id)

    async def _staff_role(self, principal: Principal, id: str) -> str:
        return await self._started_authorizer.staff_role(principal, id)

    async def _open(self, due: SessionDue, delivery: Delivery) -> None:
        await self._started_handlers.open(due)

    async def _close(self, due: SessionDue, delivery: Delivery) -> None:
        await self._started_handlers.close(due)

    async def _remind(self, due: SessionDue, delivery: Delivery) -> None:
        await self._started_handlers.remind(due)

    @property
    def _started_handlers(self) -> TimerHandlers:
        if self._timer_handlers is None:
            raise Unavailable("live has not started")
        return self._timer_handlers

    @property
    def _started_authorizer(self) -> SessionAuthorizer:
        if self._authorizer is None:
            raise Unavailable("live has not started")
        return self._authorizer


def _playback_key(settings: LiveSettings, core: Settings) -> PlaybackKey | None:
    """What signs playback tokens; None where sessions have no video. Raises SettingsError."""
    if settings.video == "off" or (settings.video == "auto" and not core.aws_endpoint):
        return None
    if settings.playback_key:
        key = private_key(settings.playback_key)
    elif core.environment == "production":
        raise SettingsError("KSMP_LIVE_PLAYBACK_KEY is not set: KSMP_LIVE_VIDEO=ivs signs playback tokens with it.")
    else:
        key = development_key()
    return PlaybackKey(key, life=settings.playback_life, origins=settings.playback_origins)
