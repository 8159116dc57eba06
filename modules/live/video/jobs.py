"""What the steps of a session want of its video, as rows; `video/provisioner.py` does it."""

from __future__ import annotations

import asyncio

from gateway.contract import Database
from modules.live.messages import Mode, SessionView
from modules.live.video.repository import VideoRepository


class VideoJobs:
    """Implements `modules.live.sessions.video.SessionVideo`. `woken` is set when there may be something to do."""

    def __init__(self, database: Database, *, available: bool, recording: bool) -> None:
        self.available = available
        self.recording = available and recording
        self.woken = asyncio.Event()
        self._videos = VideoRepository(database)

    def records(self, session: SessionView) -> bool:
        return self.recording and session.recording

    async def begin(self, session: SessionView) -> None:
        if self.available:
            interactive = session.mode is Mode.INTERACTIVE
            await self._videos.insert(
                session.id, session.mentor_id, recording=self.records(session), interactive=interactive
            )

    async def end(self, session: SessionView) -> None:
        await self._videos.end(session.id)

    def wake(self) -> None:
        self.woken.set()
