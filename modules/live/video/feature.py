"""Video, put together: channels and stages, what moves them, and what IVS tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from gateway.tasks import end
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.access.stage_tokens import StageTokens
from modules.live.aws.ivs import Ivs
from modules.live.aws.s3 import S3
from modules.live.recordings.service import Recordings
from modules.live.sessions.service import Sessions
from modules.live.sessions.video_jobs import VideoJobs
from modules.live.settings import LiveSettings
from modules.live.video import routes, stage_routes
from modules.live.video.command_queue import VideoCommandQueue
from modules.live.video.event_consumer import IvsEventConsumer
from modules.live.video.listeners import NoVideo, Video, VideoListeners
from modules.live.video.provisioner import ChannelProvisioner
from modules.live.video.stage_participants import StageParticipants
from modules.live.video.streams import Streams


class VideoFeature:
    """Where there is no `cloud`, sessions have no video: the routes say so, and nothing runs."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        video_jobs: VideoJobs,
        stage_tokens: StageTokens,
        recordings: Recordings,
        cloud: tuple[Ivs, S3, PlaybackKey] | None,
    ) -> None:
        self._workers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._ivs = ivs = None if cloud is None else cloud[0]
        video: Video = NoVideo()
        participants = StageParticipants(kernel, settings, sessions, None if ivs is None else ivs.stages)
        if cloud is not None:
            ivs, s3, key = cloud
            provisioner = ChannelProvisioner(kernel, settings, sessions, video_jobs, ivs, key, s3, recordings)
            events = IvsEventConsumer(kernel, ivs, provisioner, video_jobs, settings.events_queue)
            video = queue = VideoCommandQueue(kernel, ivs)
            self._workers = [provisioner.run] * settings.video_workers
            self._workers += [events.run, queue.run, participants.run]
        self.listeners = VideoListeners(video)
        self.features = (self.listeners,)
        self.routes = Router(
            "/sessions",
            route_handlers=[
                routes.ingest,
                routes.rotate,
                routes.stream,
                routes.stop,
                routes.checks,
                stage_routes.share,
                stage_routes.participants,
                stage_routes.disconnect,
            ],
            dependencies=services(
                stage_tokens=stage_tokens,
                stage_participants=participants,
                streams=Streams(kernel, sessions, ivs, video_jobs),
            ),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Provision, listen to IVS and send commands until the end."""
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
