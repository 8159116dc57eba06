"""Recordings, put together: listed, played again, and deleted when their time is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.contract import Kernel
from gateway.settings import SettingsError
from gateway.tasks import end
from modules.live.access.authorization import SessionAuthorizer
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.aws.s3 import S3
from modules.live.notices import SessionNotices
from modules.live.recordings import routes
from modules.live.recordings.of_lessons import SessionsOfLessons
from modules.live.recordings.playback import Replays
from modules.live.recordings.recording_tokens import PURPOSE, RecordingTokens
from modules.live.recordings.retention import Retention
from modules.live.recordings.service import Recordings
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings

# In seconds: the longest life of a URL that S3 lets somebody sign.
A_WEEK: Final = 604_800


class RecordingsFeature:
    """`s3` and `key` are there where sessions have video. Raises SettingsError for a life that S3 does not allow."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        authorizer: SessionAuthorizer,
        notices: SessionNotices,
        s3: S3 | None,
        key: PlaybackKey | None,
    ) -> None:
        if settings.recording_life > A_WEEK:
            raise SettingsError("KSMP_LIVE_RECORDING_LIFE is too long: S3 lets nothing be read for more than a week.")
        self.recordings = Recordings(kernel, settings, sessions, authorizer, notices, s3)
        tokens = None if key is None else RecordingTokens(key.secret(PURPOSE), settings.recording_life)
        replays = Replays(kernel, settings, authorizer, self.recordings, s3, tokens)
        self._s3 = s3
        self._retention = None if s3 is None else Retention(kernel, settings, s3, self.recordings.deleted)
        self.features = (self.recordings,)
        self.contributions = (SessionsOfLessons(kernel.database),)
        self.routes = routes.router(self.recordings, replays, settings.public_url.rstrip("/"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delete what is due until the end."""
        if self._s3 is None or self._retention is None:
            yield
            return
        await self._s3.open()
        deleting = asyncio.get_running_loop().create_task(self._retention.run())
        try:
            yield
        finally:
            await end([deleting])
            await self._s3.close()
