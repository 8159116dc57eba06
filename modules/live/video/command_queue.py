"""What the room wants of the video, done beside it.

Who is removed is: the call is made while the listener waits, which comes again, on another gateway too, until it
succeeds. Timed metadata is asked for inside of a transaction, where no call is made: it waits in memory, is tried a few
times, and then given up, as it is late by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.access.playback_tokens import viewer_id
from modules.live.aws.ivs import Ivs
from modules.live.sessions.video_jobs import VideoFacts, video_of

log = structlog.get_logger(__name__)

MOST: Final = 1000
TRIES: Final = 3

VideoCommand = Callable[[VideoFacts], Awaitable[None]]


class VideoCommandQueue:
    """Implements `modules.live.video.listeners.Video`."""

    def __init__(self, kernel: Kernel, ivs: Ivs) -> None:
        self._kernel = kernel
        self._ivs = ivs
        self._queue: asyncio.Queue[tuple[str, VideoCommand]] = asyncio.Queue(MOST)

    async def put_metadata(self, session_id: str, text: str) -> None:
        self._send(session_id, lambda video: self._ivs.put_metadata(video.channel_arn or "", text))

    async def remove(self, session_id: str, user_id: str) -> None:
        with self._kernel.database.guard():
            video = await video_of(session_id)
        # Before there is a channel nobody has a token for it, and after its session it is gone.
        if video is not None and video.phase == "up":
            version = clock.now_ms()
            await self._ivs.revoke_viewer(video.channel_arn or "", viewer_id(user_id), version)

    def _send(self, session_id: str, command: VideoCommand) -> None:
        try:
            self._queue.put_nowait((session_id, command))
        except asyncio.QueueFull:
            log.warning("video.command_dropped", session=session_id)

    async def run(self) -> None:
        """Send the queued commands, until cancelled."""
        while True:
            session_id, command = await self._queue.get()
            for attempt in range(TRIES):
                try:
                    with self._kernel.database.guard():
                        video = await video_of(session_id)
                    if video is not None and video.phase == "up":
                        await command(video)
                    break
                except Unavailable as error:
                    log.info("video.command_waits", session=session_id, reason=error.message)
                    await asyncio.sleep(2.0**attempt)
