"""Video, put together: channels and stages, what moves them, and what IVS tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gateway.contract import Kernel
from gateway.tasks import end
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.access.stage_tokens import StageTokens
from modules.live.recordings.service import Recordings
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.video import routes, stage_routes
from modules.live.video.channels import Channels
from modules.live.video.cloud import Cloud
from modules.live.video.command_queue import VideoCommandQueue
from modules.live.video.event_consumer import IvsEventConsumer
from modules.live.video.jobs import VideoJobs
from modules.live.video.listeners import NoVideo, Video, VideoListeners
from modules.live.video.messages import STREAM
from modules.live.video.provisioner import ChannelProvisioner
from modules.live.video.recording_finder import RecordingFinder
from modules.live.video.repository import VideoRepository
from modules.live.video.stage_participants import StageParticipants
from modules.live.video.stream_monitor import StreamMonitor
from modules.live.video.streams import Streams


class VideoFeature:
    """Where there is no `cloud`, sessions have no video: the routes say so, and nothing runs."""

    pushes = (STREAM,)

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        jobs: VideoJobs,
        stage_tokens: StageTokens,
        recordings: Recordings,
        cloud: Cloud | None,
    ) -> None:
        database, videos = kernel.database, VideoRepository(kernel.database)
        on_stage = ParticipantRepository(kernel.database)
        ivs = None if cloud is None else cloud.ivs
        participants = StageParticipants(settings, sessions, videos, on_stage, ivs.stages if ivs else None)
        video: Video = NoVideo()
        self._ivs = ivs
        self._workers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        if cloud is not None:
            ivs = cloud.ivs
            channels = Channels(database, settings, sessions, videos, on_stage, ivs, cloud.key)
            monitor = StreamMonitor(kernel, settings, sessions, videos, on_stage, ivs)
            finder = RecordingFinder(database, settings, sessions, videos, channels, cloud.s3, recordings)
            provisioner = ChannelProvisioner(settings, videos, jobs.woken, channels, monitor, finder)
            events = IvsEventConsumer(database, videos, ivs, settings.events_queue, jobs.woken)
            video = queue = VideoCommandQueue(videos, ivs)
            self._workers += [provisioner.run] * settings.video_workers
            self._workers += [events.run, queue.run, participants.run]
        self.listeners = VideoListeners(video)
        self.features = (self, self.listeners)
        self.routes = (
            routes.router(Streams(kernel, sessions, videos, ivs, jobs)),
            stage_routes.router(stage_tokens, participants),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Provision, consume events of IVS and send commands until the end."""
        if self._ivs is None:
            yield
            return
        await self._ivs.open()
        tasks = [asyncio.get_running_loop().create_task(work()) for work in self._workers]
        try:
            yield
        finally:
            await end(tasks)
            await self._ivs.close()
