"""Does what the rows of `live_video` say is due: each is claimed, seen to with calls of IVS, and written.

A row says what is to be done and when (`video/states.py`). A gateway claims it for a while, calls IVS outside of any
transaction, and writes the outcome in one. So a session starts, and its room is open, whatever IVS does. When a gateway
dies with a claim, another one takes the row as soon as the claim is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import timedelta

import structlog

from gateway import clock
from gateway.backoff import doubled
from gateway.errors import Unavailable
from modules.live.settings import LiveSettings
from modules.live.video.channels import Channels
from modules.live.video.recording_finder import RecordingFinder
from modules.live.video.repository import VideoFacts, VideoRepository
from modules.live.video.states import VideoPhase
from modules.live.video.stream_monitor import StreamMonitor

log = structlog.get_logger(__name__)


class ChannelProvisioner:
    """The worker of one gateway. Any number of them may run."""

    def __init__(
        self,
        settings: LiveSettings,
        videos: VideoRepository,
        woken: asyncio.Event,
        channels: Channels,
        streams: StreamMonitor,
        recordings: RecordingFinder,
    ) -> None:
        self._settings = settings
        self._videos = videos
        self._woken = woken
        self._channels = channels
        self._streams = streams
        self._recordings = recordings

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            self._woken.clear()
            try:
                while await self._next():
                    pass
            except Unavailable as error:
                log.info("video.provisioner_waits", reason=error.message)
            except Exception:
                log.exception("video.provisioner_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.video_interval):
                    await self._woken.wait()

    async def _next(self) -> bool:
        """Do one thing that is due; False when there is none."""
        now = clock.now()
        video = await self._videos.claim(now + timedelta(seconds=self._settings.video_claim), now)
        if video is None:
            return False
        try:
            # Ends before the claim does, so that two gateways do not do the same.
            async with asyncio.timeout(self._settings.video_claim * 0.8):
                await self._see_to(video)
        except (Unavailable, TimeoutError) as error:
            log.warning("video.waits", session=video.session_id, phase=video.phase, reason=str(error))
            wait = doubled(video.attempts + 1, self._settings.video_backoff, self._settings.video_backoff_most)
            # Jitter: what fails together does not come back together.
            due_at = clock.now() + timedelta(seconds=wait * random.uniform(0.5, 1.0))  # noqa: S311
            await self._videos.try_again(video.session_id, due_at)
        return True

    async def _see_to(self, video: VideoFacts) -> None:
        match video.phase:
            case VideoPhase.MAKING:
                await self._channels.make(video)
            case VideoPhase.UP:
                await self._streams.look_at(video)
            case VideoPhase.CLOSING:
                await self._channels.take_away(video)
            case VideoPhase.AWAITING_RECORDING:
                await self._recordings.look_for(video)
