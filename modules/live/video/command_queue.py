"""Sends the room's commands to IVS in the background.

Removing a viewer is retried until IVS confirms it: the listener that asks for it waits, and comes again, on another
gateway too. Timed metadata waits in memory, because it is asked for in a transaction, where no call is made. It is
tried a few times and then dropped, because it is late by then.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway import clock
from gateway.backoff import Backoff
from gateway.errors import Unavailable
from modules.live.access.playback_tokens import viewer_id
from modules.live.aws.ivs import Ivs
from modules.live.video.repository import VideoRepository

log = structlog.get_logger(__name__)

MOST: Final = 1000
TRIES: Final = 3
# In seconds, after a first failed try; then doubled.
PAUSE: Final = 1.0


class VideoCommandQueue:
    """Implements `modules.live.video.listeners.Video`."""

    def __init__(self, videos: VideoRepository, ivs: Ivs) -> None:
        self._videos = videos
        self._ivs = ivs
        self._metadata: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MOST)

    async def put_metadata(self, session_id: str, text: str) -> None:
        try:
            self._metadata.put_nowait((session_id, text))
        except asyncio.QueueFull:
            log.warning("video.command_dropped", session=session_id)

    async def remove(self, session_id: str, user_id: str) -> None:
        # Before there is a channel nobody has a token for it. After the session it is gone.
        video = await self._videos.find_up(session_id)
        if video is not None:
            await self._ivs.revoke_viewer(video.channel_arn or "", viewer_id(user_id), clock.now_ms())

    async def run(self) -> None:
        """Send the queued metadata, until cancelled."""
        while True:
            session_id, text = await self._metadata.get()
            pauses = Backoff(PAUSE, PAUSE * 2**TRIES)
            for _ in range(TRIES):
                try:
                    video = await self._videos.find_up(session_id)
                    if video is not None:
                        await self._ivs.put_metadata(video.channel_arn or "", text)
                    break
                except Unavailable as error:
                    log.info("video.command_waits", session=session_id, reason=error.message)
                    await asyncio.sleep(pauses.next())
